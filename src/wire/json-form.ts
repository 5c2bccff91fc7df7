import { Block, textBlock } from './block.ts'
import { Ranges } from './coverage.ts'
import { type EventRun, type Flush, maxFrameBytes, type WireForm } from './wire-form.ts'

const openBracket = 0x5b
const closeBracket = 0x5d
const closeBrace = 0x7d
const comma = 0x2c
/** Of the frame under way. */
const ranges = new Ranges()

/** `ticker.v1.json`: text frames, each an array of messages. A segment's bytes are in this form already. */
export const jsonForm: WireForm = {
  subprotocol: 'ticker.v1.json',

  message: message => textBlock(JSON.stringify([message])),

  events(flush, send) {
    const { segment, marks, coverage } = flush
    let first = 0
    let bytes = 0
    for (let mark = 0; mark < marks.count; mark++) {
      const index = marks.indices[mark] ?? 0
      const size = sizeOf(segment, index)
      if (bytes + size + mostCoverageBytes(ranges.count + 1) > maxFrameBytes && bytes > 0) {
        ranges.settle(coverage)
        send(eventsBlock(flush, first, bytes))
        ranges.next()
        first = mark
        bytes = 0
      }
      ranges.put(segment, index)
      bytes += size
    }
    ranges.complete(coverage)
    ranges.settle(coverage)
    if (bytes > 0) send(eventsBlock(flush, first, bytes))
    ranges.clear()
  },

  /** Events are taken one by one and encoded at once, so a piece holds the values of the moment it is made. */
  *snapshot(head, events) {
    const open = JSON.stringify(head).slice(0, -1)
    let texts: string[] = []
    let bytes = 0
    for (const event of events) {
      texts.push(event.toString('utf8'))
      bytes += event.length + 1
      if (bytes < maxSnapshotBytes) continue
      yield textBlock(`[${open},"events":[${texts.join(',')}],"complete":false}]`)
      texts = []
      bytes = 0
    }
    yield textBlock(`[${open},"events":[${texts.join(',')}],"complete":true}]`)
  },
}

/** Leaves room for the head and for one more event of common size. */
const maxSnapshotBytes = maxFrameBytes - 4096

/** The event with its separator. */
function sizeOf(segment: EventRun, index: number): number {
  return segment.end(index) + 1 - segment.start(index)
}

/** `[`, the events marked from `first` on that fill `bytes`, a comma after each, what they cover, and `]`. */
function eventsBlock({ segment, marks }: Flush, first: number, bytes: number): Block {
  const coverageBytes = writeCoverage(ranges)
  const block = new Block('text', bytes + coverageBytes + 2)
  const frame = block.framed()
  const eventsEnd = frame.length - coverageBytes - 1
  frame[block.start] = openBracket
  let at = block.start + 1
  for (let mark = first; at < eventsEnd; mark++) {
    // Neighbours in the segment are copied as one piece.
    const start = marks.indices[mark] ?? 0
    let index = start
    let end = at + sizeOf(segment, index)
    while (end < eventsEnd && marks.indices[mark + 1] === index + 1) {
      mark++
      index++
      end += sizeOf(segment, index)
    }
    segment.bytes.copy(frame, at, segment.start(start), segment.end(index) + 1)
    at = end
  }
  coverageText.copy(frame, at, 0, coverageBytes)
  frame[frame.length - 1] = closeBracket
  return block
}

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
    at = writeNumber(numbers[place] ?? 0, at)
    coverageText[at++] = comma
    at = writeNumber(from[place] ?? 0, at)
    coverageText[at++] = comma
    at = writeNumber(to[place] ?? 0, at)
    coverageText[at++] = closeBracket
  }
  coverageText[at++] = closeBracket
  coverageText[at++] = closeBrace
  return at
}

/** Writes a whole number from 0 in decimal digits; where it ends. */
function writeNumber(value: number, at: number): number {
  let end = at + 1
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) end++
  let rest = value
  for (let digit = end - 1; digit >= at; digit--) {
    coverageText[digit] = 0x30 + (rest % 10)
    rest = Math.floor(rest / 10)
  }
  return end
}
