import { PreparedFrame, textFrame } from '../prepared-frame.ts'
import { Ranges } from '../coverage.ts'
import { type EncodedEvents, type Flush, maxFrameBytes, type WireForm } from '../wire-form.ts'

const openBracket = 0x5b
const closeBracket = 0x5d
const closeBrace = 0x7d
const comma = 0x2c
/** Of the frame under way. */
const ranges = new Ranges()

/** `ticker.v1.json`: text frames, each an array of messages. A segment's bytes are in this form already. */
export const jsonForm: WireForm = {
  subprotocol: 'ticker.v1.json',

  message: message => textFrame(JSON.stringify([message])),

  frames({ segment, marks, coverage, memory }, send) {
    let first = 0
    let bytes = 0
    for (let mark = 0; mark < marks.count; mark++) {
      const index = marks.indices[mark] ?? 0
      const size = sizeOf(segment, index)
      if (bytes + size + mostCoverageBytes(ranges.count + 1) > maxFrameBytes && bytes > 0) {
        sendFrame({ segment, marks, coverage, memory, first, bytes }, send)
        ranges.next()
        first = mark
        bytes = 0
      }
      if (coverage !== undefined) ranges.put(segment, index)
      bytes += size
    }
    if (coverage !== undefined) ranges.complete(coverage)
    const last = bytes > 0 ? makeFrame({ segment, marks, coverage, memory, first, bytes }) : undefined
    ranges.clear()
    return last
  },

  /** Events are taken one by one and encoded at once, so a piece holds the values of the moment it is made; so does its head. */
  *snapshot(head, events) {
    const open = (): string => JSON.stringify(head).slice(0, -1)
    let texts: string[] = []
    let bytes = 0
    for (const event of events) {
      texts.push(event.toString('utf8'))
      bytes += event.length + 1
      if (bytes < maxSnapshotBytes) continue
      yield textFrame(`[${open()},"events":[${texts.join(',')}],"complete":false}]`)
      texts = []
      bytes = 0
    }
    yield textFrame(`[${open()},"events":[${texts.join(',')}],"complete":true}]`)
  },
}

/** Leaves room for the head and for one more event of common size. */
const maxSnapshotBytes = maxFrameBytes - 4096

/** The part of a flush that goes into one frame: what is marked from `first` on, as far as it fills `bytes`. */
interface FramePart extends Flush {
  readonly first: number
  readonly bytes: number
}

function sendFrame(part: FramePart, send: (block: PreparedFrame) => void): void {
  send(makeFrame(part))
  if (part.coverage !== undefined) ranges.settle(part.coverage)
}

function makeFrame(part: FramePart): PreparedFrame {
  if (part.coverage === undefined) return eventsBlock(part, 0)
  ranges.begin(part.coverage)
  return eventsBlock(part, writeCoverage(ranges))
}

/** The event with its separator, and with what it replaces. */
function sizeOf(segment: EncodedEvents, index: number): number {
  const replaced = segment.replaced?.[index] ?? 0
  const bytes = segment.end(index) + 1 - segment.start(index)
  return replaced === 0 ? bytes : bytes + replacesHead.length + digitsOf(replaced)
}

/** `[`, the events with a comma after each, what they cover, if anything, and `]`. */
function eventsBlock(part: FramePart, coverageBytes: number): PreparedFrame {
  // Without coverage the last comma gives way to the bracket.
  const block = new PreparedFrame(
    'text',
    part.bytes + coverageBytes + (coverageBytes === 0 ? 1 : 2),
    part.memory,
  )
  const frame = block.framed()
  frame[block.start] = openBracket
  if (part.segment.replaced === undefined) copyEvents(part, frame, block.start + 1)
  else copyReplacing(part, frame, block.start + 1)
  coverageText.copy(frame, block.start + 1 + part.bytes, 0, coverageBytes)
  frame[frame.length - 1] = closeBracket
  return block
}

/** Neighbours in the segment are copied as one piece. */
function copyEvents({ segment, marks, first, bytes }: FramePart, frame: Buffer, start: number): void {
  const end = start + bytes
  let at = start
  for (let mark = first; at < end; mark++) {
    const from = marks.indices[mark] ?? 0
    let index = from
    let to = at + sizeOf(segment, index)
    while (to < end && marks.indices[mark + 1] === index + 1) {
      mark++
      index++
      to += sizeOf(segment, index)
    }
    segment.bytes.copy(frame, at, segment.start(from), segment.end(index) + 1)
    at = to
  }
}

/** The number of replaced events becomes the last field of those that replace any. */
function copyReplacing({ segment, marks, first, bytes }: FramePart, frame: Buffer, start: number): void {
  const end = start + bytes
  let at = start
  for (let mark = first; at < end; mark++) {
    const index = marks.indices[mark] ?? 0
    const replaced = segment.replaced?.[index] ?? 0
    at += segment.bytes.copy(frame, at, segment.start(index), segment.end(index) + 1)
    if (replaced === 0) continue
    // In place of the closing brace and of the comma.
    at += replacesHead.copy(frame, at - 2)
    at = writeNumber(frame, at - 2, replaced)
    frame[at++] = closeBrace
    frame[at++] = comma
  }
}

const replacesHead = Buffer.from(',"replaces":')
const coverageHead = Buffer.from('{"T":"coverage","ranges":[')
/** Three numbers with their brackets and commas: a partition's, and two offsets below 2^53. */
const mostRangeBytes = 48
let coverageText = Buffer.alloc(1024)

function mostCoverageBytes(count: number): number {
  return coverageHead.length + count * mostRangeBytes + 4
}

/** Writes the message of what a frame covers into `coverageText`; its length. */
function writeCoverage({ count, numbers, from, to }: Ranges): number {
  const most = mostCoverageBytes(count)
  if (most > coverageText.length) coverageText = Buffer.alloc(most * 2)
  let at = coverageHead.copy(coverageText)
  for (let place = 0; place < count; place++) {
    coverageText[at++] = place === 0 ? openBracket : comma
    if (place > 0) coverageText[at++] = openBracket
    at = writeNumber(coverageText, at, numbers[place] ?? 0)
    coverageText[at++] = comma
    at = writeNumber(coverageText, at, from[place] ?? 0)
    coverageText[at++] = comma
    at = writeNumber(coverageText, at, to[place] ?? 0)
    coverageText[at++] = closeBracket
  }
  coverageText[at++] = closeBracket
  coverageText[at++] = closeBrace
  return at
}

/** Writes a whole number from 0 in decimal digits; where it ends. */
function writeNumber(into: Buffer, at: number, value: number): number {
  const end = at + digitsOf(value)
  let rest = value
  for (let digit = end - 1; digit >= at; digit--) {
    into[digit] = 0x30 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
  return end
}

function digitsOf(value: number): number {
  let digits = 1
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++
  return digits
}
