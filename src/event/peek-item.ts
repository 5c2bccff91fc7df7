/** The item of an event in JSON. */
export interface PeekedItem {
  readonly type: string
  readonly symbol: string
}

const space = 0x20
const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const openBrace = 0x7b
const letterS = 0x53
const letterT = 0x54

/** Returns the index of the next byte that is not a space. */
function afterSpaces(json: Buffer, at: number): number {
  let next = at
  while (json[next] === space) next++
  return next
}

/**
 * Returns the type and symbol of an event in JSON if they are the first two fields of the object, in either
 * order; `undefined` if only parsing can tell. Takes a tenth of the time of parsing. The result is right if
 * the text is a valid event: the fields of a JSON object have different names.
 */
export function peekItem(json: Buffer): PeekedItem | undefined {
  const found = { type: '', symbol: '' }
  let before = openBrace
  let at = 0
  for (let field = 0; field < 2; field++) {
    at = afterSpaces(json, at)
    if (json[at] !== before) return undefined
    at = afterSpaces(json, at + 1)
    const name = json[at + 1]
    if (json[at] !== quote || json[at + 2] !== quote || (name !== letterS && name !== letterT))
      return undefined
    at = afterSpaces(json, at + 3)
    if (json[at] !== colon) return undefined
    at = afterSpaces(json, at + 1)
    if (json[at] !== quote) return undefined
    const end = json.indexOf(quote, at + 1)
    if (end < 0) return undefined
    // A text with escapes is found, but belongs to no item.
    found[name === letterT ? 'type' : 'symbol'] = json.toString('utf8', at + 1, end)
    before = comma
    at = end + 1
  }
  return found.type === '' || found.symbol === '' ? undefined : found
}
