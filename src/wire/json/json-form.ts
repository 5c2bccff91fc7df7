import type { Dialect, OpenMessage } from '../../protocol/dialect.ts'
import type { ServerMessage, SnapshotFacts } from '../../protocol/server-message.ts'
import { tickerV1 } from '../../protocol/ticker-v1/ticker-v1.ts'
import { type Coverage, CoverageRanges } from '../coverage.ts'
import { Payload, textPayload } from '../payload.ts'
import {
  type EncodedEvents,
  maxFrameBytes,
  type OutgoingEvents,
  type SnapshotHead,
  type WireForm,
} from '../wire-form.ts'

const openBracket = 0x5b
const closeBracket = 0x5d
const closeBrace = 0x7d
const comma = 0x2c
const zero = 0x30
const replacesHead = Buffer.from(',"replaces":')
/** Three numbers with their brackets and commas: a partition's, and two offsets below 2^53. */
const maxRangeBytes = 48
/** Leaves room for the head of a snapshot and for one more event of common size. */
const maxSnapshotBytes = maxFrameBytes - 4096

/** The JSON of a message around its list. */
interface OpenText<Text> {
  readonly head: Text
  readonly tail: Text
}

export interface JsonFormOptions {
  /** `ticker.v1.json` if left out. */
  readonly name?: string
  /** That of `ticker.v1` if left out. */
  readonly dialect?: Dialect
}

/** Text frames, each an array of messages. Events are encoded in this form when they come in. */
export class JsonForm implements WireForm {
  readonly name: string
  readonly dialect: Dialect
  /** `undefined`: the dialect states no coverage. */
  readonly #coverage: OpenText<Buffer> | undefined
  /** Of the frame under way. */
  readonly #ranges = new CoverageRanges()
  /** A coverage message: the head stays, the ranges and the tail are those of the frame under way. */
  #coverageText = Buffer.alloc(1024)

  constructor({ name = 'ticker.v1.json', dialect = tickerV1 }: JsonFormOptions = {}) {
    this.name = name
    this.dialect = dialect
    const coverage = dialect.open({ kind: 'coverage' })
    if (coverage === undefined) return
    const { head, tail } = textAround(coverage)
    this.#coverage = { head: Buffer.from(head), tail: Buffer.from(tail) }
    this.#coverage.head.copy(this.#coverageText)
  }

  message(message: ServerMessage): Payload | undefined {
    const spelled = this.dialect.spell(message)
    if (spelled === undefined) return undefined
    const payload = textPayload(JSON.stringify([spelled]))
    payload.message = message
    return payload
  }

  frames(outgoing: OutgoingEvents, send: (frame: Payload) => void): Payload | undefined {
    const { events, chosen, coverage } = outgoing
    const ranges = this.#ranges
    const fixedBytes = fixedCoverageBytes(this.#coverage)
    let first = 0
    let bytes = 0
    for (let place = 0; place < chosen.count; place++) {
      const index = chosen.indices[place] ?? 0
      const size = sizeOf(events, index)
      const maxCoverageBytes = fixedBytes + (ranges.count + 1) * maxRangeBytes
      if (bytes + size + maxCoverageBytes > maxFrameBytes && bytes > 0) {
        send(this.#makeFrame(outgoing, first, bytes))
        if (coverage !== undefined) ranges.settle(coverage)
        ranges.nextFrame()
        first = place
        bytes = 0
      }
      if (coverage !== undefined) ranges.include(events, index)
      bytes += size
    }
    if (coverage !== undefined) ranges.complete(coverage)
    const last = bytes > 0 ? this.#makeFrame(outgoing, first, bytes) : undefined
    ranges.clear()
    return last
  }

  /**
   * Takes events one by one and encodes them at once: a frame holds the values of the moment in which it is
   * made, and so does its head. Where the next event takes another turn, a frame ends with those before.
   */
  *snapshot(
    { id, sinceMs }: SnapshotHead,
    events: Iterable<Buffer | undefined>,
  ): Generator<Payload | undefined, void> {
    let texts: string[] = []
    let bytes = 0
    for (const event of events) {
      if (event !== undefined) {
        texts.push(event.toString('utf8'))
        bytes += event.length + 1
        if (bytes < maxSnapshotBytes) continue
      } else if (bytes === 0) {
        yield undefined
        continue
      }
      yield* this.#snapshotPiece({ kind: 'snapshot', id, sinceMs: sinceMs(), isComplete: false }, texts)
      texts = []
      bytes = 0
    }
    yield* this.#snapshotPiece({ kind: 'snapshot', id, sinceMs: sinceMs(), isComplete: true }, texts)
  }

  *#snapshotPiece(facts: SnapshotFacts, events: readonly string[]): Generator<Payload, void> {
    const message = this.dialect.open(facts)
    if (message === undefined) return
    const { head, tail } = textAround(message)
    yield textPayload(`[${head}${events.join(',')}${tail}]`)
  }

  /**
   * Makes a frame of the events chosen from `first` on, as far as they fill `bytes`: `[`, each event followed
   * by a comma, the coverage message if there is one, and `]`. Nothing but the payload is allocated.
   */
  #makeFrame(outgoing: OutgoingEvents, first: number, bytes: number): Payload {
    const { events, coverage, memory } = outgoing
    const coverageBytes = coverage === undefined ? 0 : this.#writeCoverage(coverage)
    // Without coverage the closing bracket overwrites the last comma.
    const length = bytes + coverageBytes + (coverageBytes === 0 ? 1 : 2)
    const payload = new Payload('text', length, memory)
    payload.coverageBytes = coverageBytes
    const { buffer, start, end } = payload
    buffer[start] = openBracket
    if (events.replaced === undefined) copyEvents(outgoing, first, payload)
    else copyReplacing(outgoing, first, payload)
    if (coverageBytes > 0) this.#coverageText.copy(buffer, end - 1 - coverageBytes, 0, coverageBytes)
    buffer[end - 1] = closeBracket
    return payload
  }

  /** Writes the coverage message of a frame into `#coverageText`. Returns its length; 0 if there is none. */
  #writeCoverage(coverage: Coverage): number {
    const words = this.#coverage
    if (words === undefined) return 0
    const ranges = this.#ranges
    ranges.setStarts(coverage)
    const { count, numbers, from, to } = ranges
    const most = fixedCoverageBytes(words) + count * maxRangeBytes
    if (most > this.#coverageText.length) {
      this.#coverageText = Buffer.alloc(most * 2)
      words.head.copy(this.#coverageText)
    }
    const text = this.#coverageText
    let at = words.head.length
    for (let place = 0; place < count; place++) {
      if (place > 0) text[at++] = comma
      text[at++] = openBracket
      at = writeNumber(text, at, numbers[place] ?? 0)
      text[at++] = comma
      at = writeNumber(text, at, from[place] ?? 0)
      text[at++] = comma
      at = writeNumber(text, at, to[place] ?? 0)
      text[at++] = closeBracket
    }
    // `copy` would take longer for the few bytes of a tail.
    for (let place = 0; place < words.tail.length; place++) text[at++] = words.tail[place] ?? 0
    return at
  }
}

function textAround({ before, list, after }: OpenMessage): OpenText<string> {
  const tail = JSON.stringify(after)
  return {
    head: `${JSON.stringify(before).slice(0, -1)},${JSON.stringify(list)}:[`,
    tail: tail === '{}' ? ']}' : `],${tail.slice(1)}`,
  }
}

/** The bytes of a coverage message without its ranges, and two brackets around the frame. */
function fixedCoverageBytes(coverage: OpenText<Buffer> | undefined): number {
  return coverage === undefined ? 2 : coverage.head.length + coverage.tail.length + 2
}

/** The bytes of an event with its separator, and with the number of events that it replaces. */
function sizeOf(events: EncodedEvents, index: number): number {
  const replaced = events.replaced?.[index] ?? 0
  const bytes = events.end(index) + 1 - events.start(index)
  return replaced === 0 ? bytes : bytes + replacesHead.length + digitsOf(replaced)
}

/** Where the events of a frame end, each with its comma. */
function endOfEvents({ end, coverageBytes }: Payload): number {
  return coverageBytes === 0 ? end : end - 1 - coverageBytes
}

/** Copies events into a frame; neighbours as one piece. */
function copyEvents({ events, chosen }: OutgoingEvents, first: number, frame: Payload): void {
  const into = frame.buffer
  const end = endOfEvents(frame)
  let at = frame.start + 1
  for (let place = first; at < end; place++) {
    const from = chosen.indices[place] ?? 0
    let index = from
    let to = at + sizeOf(events, index)
    while (to < end && chosen.indices[place + 1] === index + 1) {
      place++
      index++
      to += sizeOf(events, index)
    }
    events.bytes.copy(into, at, events.start(from), events.end(index) + 1)
    at = to
  }
}

/** As `copyEvents`; the number of replaced events becomes the last field of each event that replaces any. */
function copyReplacing({ events, chosen }: OutgoingEvents, first: number, frame: Payload): void {
  const into = frame.buffer
  const end = endOfEvents(frame)
  let at = frame.start + 1
  for (let place = first; at < end; place++) {
    const index = chosen.indices[place] ?? 0
    const replaced = events.replaced?.[index] ?? 0
    at += events.bytes.copy(into, at, events.start(index), events.end(index) + 1)
    if (replaced === 0) continue
    // Overwrites the closing brace and the comma.
    at += replacesHead.copy(into, at - 2)
    at = writeNumber(into, at - 2, replaced)
    into[at++] = closeBrace
    into[at++] = comma
  }
}

/** Writes a whole number from 0 in decimal digits, and returns where it ends. */
function writeNumber(into: Buffer, at: number, value: number): number {
  const end = at + digitsOf(value)
  let rest = value
  for (let digit = end - 1; digit >= at; digit--) {
    into[digit] = zero + (rest % 10)
    rest = Math.floor(rest / 10)
  }
  return end
}

function digitsOf(value: number): number {
  let digits = 1
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++
  return digits
}
