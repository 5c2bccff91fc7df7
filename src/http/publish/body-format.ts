import { isUtf8 } from 'node:buffer'
import { decodeMessagePack } from '../../event/message-pack.ts'
import { shorten } from '../../diagnostics/show-value.ts'
import { messageOf } from '../../diagnostics/ticker-error.ts'
import { Refusal } from '../answer.ts'

/** Reads the values of a body; refuses more than `maxEvents`. */
export type BodyFormat = (body: Buffer, maxEvents: number) => readonly unknown[] | Refusal

/** By media type; older clients send `application/x-msgpack`. */
const formats: Readonly<Record<string, BodyFormat>> = {
  'application/json': (body, maxEvents) => readWhole('JSON', parseJson, { body, maxEvents }),
  'application/x-ndjson': readLines,
  'application/msgpack': (body, maxEvents) =>
    readWhole('MessagePack', decodeMessagePack, { body, maxEvents }),
  'application/x-msgpack': (body, maxEvents) =>
    readWhole('MessagePack', decodeMessagePack, { body, maxEvents }),
}

const accepted = 'application/json, application/x-ndjson, application/msgpack'

/** Returns the format of a `Content-Type` header; 415 if it is not accepted. */
export function formatOf(header: string | undefined): BodyFormat | Refusal {
  const [type = ''] = (header ?? '').split(';', 1)
  const name = type.trim().toLowerCase()
  return (Object.hasOwn(formats, name) ? formats[name] : undefined) ?? unsupportedType()
}

/** Returns 415 with the accepted types. */
export function unsupportedType(): Refusal {
  return new Refusal(415, `Content-Type: expected one of ${accepted}`, {
    headers: { 'accept-post': accepted },
  })
}

interface Posted {
  readonly body: Buffer
  readonly maxEvents: number
}

/** One event, or an array of them. */
function readWhole(
  name: string,
  parse: (body: Buffer) => unknown,
  { body, maxEvents }: Posted,
): readonly unknown[] | Refusal {
  if (body.length === 0) return noEvent()
  try {
    const value = parse(body)
    const values: readonly unknown[] = Array.isArray(value) ? value : [value]
    return bounded(values, maxEvents)
  } catch (error) {
    return malformed(`the body is not ${name}`, error)
  }
}

/** One event a line; blank lines are ignored. */
function readLines(body: Buffer, maxEvents: number): readonly unknown[] | Refusal {
  if (!isUtf8(body)) return new Refusal(400, 'the body is not UTF-8')
  const values: unknown[] = []
  const lines = withoutMark(body.toString('utf8')).split('\n')
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue
    try {
      values.push(JSON.parse(line))
    } catch (error) {
      return malformed(`line ${index + 1} is not JSON`, error)
    }
    if (values.length > maxEvents) break
  }
  return bounded(values, maxEvents)
}

function bounded(values: readonly unknown[], maxEvents: number): readonly unknown[] | Refusal {
  if (values.length === 0) return noEvent()
  if (values.length <= maxEvents) return values
  return new Refusal(413, `too many events: expected at most ${maxEvents} a request`)
}

function parseJson(body: Buffer): unknown {
  if (!isUtf8(body)) throw new SyntaxError('expected UTF-8')
  return JSON.parse(withoutMark(body.toString('utf8')))
}

/** RFC 8259 §8.1: a byte order mark may be ignored. */
function withoutMark(text: string): string {
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}

/** The parser's message may quote a few characters of the body, to its own sender. */
function malformed(what: string, error: unknown): Refusal {
  return new Refusal(400, `${what}: ${shorten(messageOf(error), 200).toWellFormed()}`)
}

function noEvent(): Refusal {
  return new Refusal(400, 'the body holds no event')
}
