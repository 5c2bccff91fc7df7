import type { MovedPositions } from '../../protocol/positions.ts'
import type { ServerMessage } from '../../protocol/server-message.ts'
import type { Payload } from '../../wire/payload.ts'
import { CoverageReader } from './coverage-reader.ts'
import { beginCursor, type Cursor, CursorAdvance, learnPositions, shareCursor } from './cursor.ts'

/**
 * Makes the cursors of all sessions. Sessions that get the same payload one after another at the same
 * positions go on sharing a cursor, whose id is written once; so do sessions that come to the same positions
 * one after another, as by a heartbeat.
 */
export class SharedCursors {
  readonly #coverage = new CoverageReader()
  /** The last step. */
  #from: Cursor | undefined
  #payload: Payload | undefined
  #to: Cursor | undefined
  /** The last cursor that was made. */
  #latest: Cursor | undefined

  /** Returns where a client is after a payload: the same cursor if it has not moved. */
  after(from: Cursor | undefined, payload: Payload): Cursor | undefined {
    if (this.#payload === payload && this.#from === from) return this.#to
    const to = this.#step(from, payload)
    const shared = to === undefined || to === from ? to : shareCursor(to, this.#latest)
    if (shared !== from) this.#latest = shared
    this.#from = from
    this.#payload = payload
    this.#to = shared
    return shared
  }

  #step(from: Cursor | undefined, payload: Payload): Cursor | undefined {
    const { message } = payload
    if (message !== undefined) return note(from, message)
    if (from === undefined) return from
    const ranges = this.#coverage.read(payload)
    const advance = new CursorAdvance(from)
    for (let at = 0; at + 2 < ranges.length; at += 3) advance.move(ranges[at] ?? 0, ranges[at + 2] ?? 0)
    return advance.end()
  }
}

function note(from: Cursor | undefined, message: ServerMessage): Cursor | undefined {
  switch (message.kind) {
    case 'subscription':
      if ('all' in message.positions) return beginCursor(message.positions.all)
      return advanceAll(from, message.positions.moved)
    case 'partitions':
      return learnPositions(from, message.partitions)
    case 'coverage':
      return advanceAll(
        from,
        message.ranges.map(({ number, to }) => [number, to] as const),
      )
    case 'heartbeat':
    case 'shutdown':
      return advanceAll(from, message.positions ?? [])
    case 'connected':
    case 'authenticated':
    case 'resumed':
    case 'lost':
    case 'replaced':
    case 'slow':
    case 'expiring':
    case 'error':
    case 'closing':
    case 'noEventIds':
    default:
      return from
  }
}

function advanceAll(from: Cursor | undefined, moved: MovedPositions): Cursor | undefined {
  if (from === undefined) return from
  const advance = new CursorAdvance(from)
  for (const [number, position] of moved) advance.move(number, position)
  return advance.end()
}
