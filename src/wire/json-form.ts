import type { Segment } from '../tape/segment.ts'
import { Block, textBlock } from './block.ts'
import { type Marks, maxFrameBytes, type WireForm } from './wire-form.ts'

const openBracket = 0x5b
const closeBracket = 0x5d

/** `ticker.v1.json`: text frames, each an array of messages. A segment's bytes are in this form already. */
export const jsonForm: WireForm = {
  subprotocol: 'ticker.v1.json',

  message: message => textBlock(JSON.stringify([message])),

  events(segment, marks, send) {
    let first = 0
    let bytes = 0
    for (let mark = 0; mark < marks.count; mark++) {
      const size = sizeOf(segment, marks.indices[mark] ?? 0)
      if (bytes + size > maxFrameBytes && bytes > 0) {
        send(eventsBlock(segment, marks, first, bytes))
        first = mark
        bytes = 0
      }
      bytes += size
    }
    if (bytes > 0) send(eventsBlock(segment, marks, first, bytes))
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
function sizeOf(segment: Segment, index: number): number {
  return segment.end(index) + 1 - segment.start(index)
}

/** `[`, the events marked from `first` on that fill `bytes`, a comma after each, and `]` over the last comma. */
function eventsBlock(segment: Segment, marks: Marks, first: number, bytes: number): Block {
  const block = new Block('text', bytes + 1)
  const frame = block.framed()
  frame[block.start] = openBracket
  let at = block.start + 1
  for (let mark = first; at < frame.length; mark++) {
    // Neighbours in the segment are copied as one piece.
    const start = marks.indices[mark] ?? 0
    let index = start
    let end = at + sizeOf(segment, index)
    while (end < frame.length && marks.indices[mark + 1] === index + 1) {
      mark++
      index++
      end += sizeOf(segment, index)
    }
    segment.bytes.copy(frame, at, segment.start(start), segment.end(index) + 1)
    at = end
  }
  frame[at - 1] = closeBracket
  return block
}
