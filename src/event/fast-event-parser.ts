import type { EventType, MarketEvent } from './event.ts'
import { eventFields } from './event-fields.ts'
import type { FieldKind } from './field-kinds.ts'
import { PlainJsonReader } from './plain-json-reader.ts'

/** The index of the type letter: the field `T` comes first, after `{"T":"`. */
const typeAt = 6
const brace = Buffer.from('}')
/** After so many failures in a row a type is skipped for a while. */
const maxFailures = 16
/** The number of events for which it is skipped. */
const skippedEvents = 1000

/** A field in its expected place. */
interface ExpectedField {
  readonly name: string
  readonly accepts: (value: unknown) => boolean
  readonly isRequired: boolean
  /** The name as it is written, after a comma: `,"bp":`. */
  readonly key: Buffer
  readonly read: (json: PlainJsonReader) => unknown
}

/** The expected layout of a type's events. */
interface ExpectedLayout {
  readonly type: EventType
  /** `{"T":"q"`. */
  readonly head: Buffer
  readonly fields: readonly ExpectedField[]
  readonly requiredCount: number
  /**
   * The failures that remain before the type is skipped; below 0, the events for which it is still skipped.
   */
  attempts: number
}

/**
 * Parses and checks an event in one pass over its bytes, in 0.6 of the time of `JSON.parse` and `parseEvent`,
 * if it is laid out like earlier events of its type: plain JSON with the fields in the same order. The result
 * is the same. For every other event, valid or not, `parse` returns `undefined`, and those two decide. The
 * bytes of a parsed event may be passed on as they are: one JSON object in ASCII without spaces, with fields
 * of the schema only, each once.
 */
export class FastEventParser {
  readonly #json = new PlainJsonReader()
  readonly #layouts = new Map<number, ExpectedLayout>()

  /** Returns the event if it is valid and has the expected layout. */
  parse(bytes: Buffer): MarketEvent | undefined {
    const layout = this.#layouts.get(bytes[typeAt] ?? 0)
    if (layout === undefined) return undefined
    if (layout.attempts < 0) {
      layout.attempts++
      return undefined
    }
    const event = this.#parse(bytes, layout)
    if (event !== undefined) layout.attempts = maxFailures
    else if (--layout.attempts <= 0) layout.attempts = -skippedEvents
    return event
  }

  /** Learns the layout of an event that was parsed otherwise. News is left out: articles are few and long. */
  learn(event: MarketEvent): void {
    if (event.T === 'n') return
    const code = event.T.charCodeAt(0)
    const former = this.#layouts.get(code)
    if (former !== undefined && former.attempts < 0) return
    const names = merged(Object.keys(event), former?.fields.map(({ name }) => name) ?? [])
    const fields = names.flatMap(name => expectedField(event.T, name))
    const requiredCount = fields.filter(({ isRequired }) => isRequired).length
    const head = Buffer.from(`{"T":"${event.T}"`)
    const attempts = former?.attempts ?? maxFailures
    this.#layouts.set(code, { type: event.T, head, fields, requiredCount, attempts })
  }

  #parse(bytes: Buffer, { type, head, fields, requiredCount }: ExpectedLayout): MarketEvent | undefined {
    const json = this.#json
    json.begin(bytes)
    if (!json.skipIf(head)) return undefined
    const event: Record<string, unknown> = { T: type }
    let required = 0
    for (const { name, accepts, isRequired, key, read } of fields) {
      if (!json.skipIf(key)) continue
      const value = read(json)
      if (!json.isPlain || !accepts(value)) return undefined
      event[name] = value
      if (isRequired) required++
    }
    const isWhole = required === requiredCount && json.skipIf(brace) && json.isAtEnd
    return isWhole ? asEvent(event) : undefined
  }
}

/** Returns `first`, and the other names of `second` after the names that precede them there. */
function merged(first: readonly string[], second: readonly string[]): string[] {
  const names = [...first]
  for (const [index, name] of second.entries()) {
    if (names.includes(name)) continue
    const before = second[index - 1]
    names.splice(before === undefined ? 0 : names.indexOf(before) + 1, 0, name)
  }
  return names
}

/** Returns no field for `T`, which is read apart. */
function expectedField(type: EventType, wanted: string): ExpectedField[] {
  return eventFields[type]
    .filter(({ name }) => name === wanted)
    .map(({ name, kind, isRequired }) => ({
      name,
      accepts: kind.acceptsAscii ?? kind.accepts,
      isRequired,
      key: Buffer.from(`,${JSON.stringify(name)}:`),
      read: readers[formOf(kind)],
    }))
}

const readers = {
  string: (json: PlainJsonReader) => json.string(),
  number: (json: PlainJsonReader) => json.number(),
  array: (json: PlainJsonReader) => json.strings(),
  either: (json: PlainJsonReader) => json.stringOrNumber(),
} as const

function formOf({ schema }: FieldKind): keyof typeof readers {
  if (schema['type'] === 'array') return 'array'
  if (schema['anyOf'] !== undefined) return 'either'
  return schema['type'] === 'string' ? 'string' : 'number'
}

/** To be called after every field was checked against the table. */
function asEvent(value: object): MarketEvent {
  return value as MarketEvent
}
