import type { EventType, MarketEvent } from './event.ts'
import { eventFields } from './event-fields.ts'
import type { FieldKind } from './field-kinds.ts'
import { PlainJsonReader } from './plain-json-reader.ts'

/** The field `T` comes first, with a type of one letter, behind so many bytes: `{"T":"`. */
const typeAt = 6
const brace = Buffer.from('}')
/** So many events of a type may be unfamiliar on end before it is left alone for a while. */
const patience = 16
const restEvents = 1000

/** A field where it is expected. */
interface ExpectedField {
  readonly name: string
  readonly accepts: (value: unknown) => boolean
  readonly isRequired: boolean
  /** With the comma before it: `,"bp":`. */
  readonly key: Buffer
  readonly read: (json: PlainJsonReader) => unknown
}

/** What is known of the events of a type. */
interface Familiarity {
  readonly type: EventType
  /** `{"T":"q"`. */
  readonly head: Buffer
  readonly fields: readonly ExpectedField[]
  readonly requiredCount: number
  /** How often more it may be tried in vain; counted up from below 0 while it is left alone. */
  credit: number
}

/**
 * Reads and checks events in one pass over their bytes, in 0.6 of the time that `JSON.parse` and `parseEvent` take, as
 * long as they look like earlier ones of their type: plain JSON, the fields in the same order. For everything else, also
 * for everything that is wrong, it answers `undefined`, and those two decide. What it reads is what they would have read. The bytes of
 * what it reads are fit to be passed on: one JSON object in ASCII without spaces, with fields of the schema only, each once.
 */
export class FastEventParser {
  readonly #json = new PlainJsonReader()
  readonly #types = new Map<number, Familiarity>()

  /** The event, if it is familiar and good. */
  read(bytes: Buffer): MarketEvent | undefined {
    const type = this.#types.get(bytes[typeAt] ?? 0)
    if (type === undefined) return undefined
    if (type.credit < 0) {
      type.credit++
      return undefined
    }
    const event = this.#read(bytes, type)
    if (event !== undefined) type.credit = patience
    else if (--type.credit <= 0) type.credit = -restEvents
    return event
  }

  /** Makes the look of an event familiar, which was read otherwise. Articles stay unfamiliar: they are few and long. */
  learn(event: MarketEvent): void {
    if (event.T === 'n') return
    const code = event.T.charCodeAt(0)
    const type = this.#types.get(code)
    if (type !== undefined && type.credit < 0) return
    const names = merged(Object.keys(event), type?.fields.map(({ name }) => name) ?? [])
    const fields = names.flatMap(name => expectedField(event.T, name))
    const requiredCount = fields.filter(({ isRequired }) => isRequired).length
    const head = Buffer.from(`{"T":"${event.T}"`)
    this.#types.set(code, { type: event.T, head, fields, requiredCount, credit: type?.credit ?? patience })
  }

  #read(bytes: Buffer, { type, head, fields, requiredCount }: Familiarity): MarketEvent | undefined {
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

/** `first`, with what else is in `second` where it has its place: behind what is before it there. */
function merged(first: readonly string[], second: readonly string[]): string[] {
  const names = [...first]
  for (const [index, name] of second.entries()) {
    if (names.includes(name)) continue
    const before = second[index - 1]
    names.splice(before === undefined ? 0 : names.indexOf(before) + 1, 0, name)
  }
  return names
}

/** None for `T`, which is read apart. */
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

/** Straight after every field was checked against the table. */
function asEvent(value: object): MarketEvent {
  return value as MarketEvent
}
