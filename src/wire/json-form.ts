import type { Segment } from '../tape/segment.ts'
import { type Block, makeBlock, textBlock } from './block.ts'
import { type Marks, maxFrameBytes, type WireForm } from './wire-form.ts'

const openBracket = 0x5b
const closeBracket = 0x5d

/** `ticker.v1.json`: text frames, each an array of messages. A segment's bytes are in this form already. */
export const jsonForm: WireForm = {
  subprotocol: 'ticker.v1.json',

  message: message => textBlock(JSON.stringify([message])),

  events(segment, marks) {
    const blocks: Block[] = []
    let first = 0
    let bytes = 0
    for (let mark = 0; mark < marks.count; mark++) {
      const size = sizeOf(segment, marks.indices[mark] ?? 0)
      if (bytes + size > maxFrameBytes && bytes > 0) {
        blocks.push(eventsBlock(segment, marks, { first, after: mark, bytes }))
        first = mark
        bytes = 0
      }
      bytes += size
    }
    if (bytes > 0) blocks.push(eventsBlock(segment, marks, { first, after: marks.count, bytes }))
    return blocks
  },

  snapshot(head, events) {
    const blocks: Block[] = []
    const open = JSON.stringify(head).slice(0, -1)
    let from = 0
    do {
      let to = from
      let bytes = 0
      while (to < events.length && (to === from || bytes + (events[to]?.length ?? 0) < maxFrameBytes)) {
        bytes += (events[to]?.length ?? 0) + 1
        to++
      }
      const text = events.slice(from, to).map(event => event.toString('utf8'))
      blocks.push(textBlock(`[${open},"events":[${text.join(',')}],"complete":${to === events.length}}]`))
      from = to
    } while (from < events.length)
    return blocks
  },
}

/** The event with its separator. */
function sizeOf(segment: Segment, index: number): number {
  return segment.end(index) + 1 - segment.start(index)
}

interface Run {
  readonly first: number
  readonly after: number
  readonly bytes: number
}

/** `[`, the marked events with a comma after each, and `]` over the last comma. */
function eventsBlock(segment: Segment, marks: Marks, run: Run): Block {
  return makeBlock('text', run.bytes + 1, (frame, offset) => {
    frame[offset] = openBracket
    let at = offset + 1
    let mark = run.first
    while (mark < run.after) {
      // Neighbours in the segment are copied as one piece.
      const start = marks.indices[mark] ?? 0
      let index = start
      while (++mark < run.after && marks.indices[mark] === index + 1) index++
      at += segment.bytes.copy(frame, at, segment.start(start), segment.end(index) + 1)
    }
    frame[at - 1] = closeBracket
  })
}
