import type { MarketEvent } from '../event/event.ts'
import type { Coverage } from './coverage.ts'
import type { FrameMemory, PreparedFrame } from './prepared-frame.ts'

/** The events of a segment that go to one audience: `indices[0, count)`, rising. */
export interface Marks {
  readonly indices: Uint32Array
  readonly count: number
}

/** A stretch of the recent events. */
export interface RecentSegment {
  /** Another one whenever it begins anew with other events. */
  readonly identity: object
  /** The address of its first row: in its partition no other event ever has the same. */
  readonly firstAddress: number
  /** How many rows it has at most. */
  readonly capacity: number
}

/** Where the events of a run lie among the recent ones, so that what is made of them can be kept as long. */
export interface RecentRows {
  readonly segments: readonly RecentSegment[]
  readonly rows: Uint32Array
  /** The numbers of their items in this process. */
  readonly items: Uint32Array
}

/** Encoded events side by side, each with one separator byte behind it. */
export interface EncodedEvents {
  readonly bytes: Buffer
  /** The number of each event's partition, and the offset of its record. */
  readonly partitions: Uint32Array
  readonly offsets: Float64Array
  /** How many earlier events of its item each one replaces; left out where every event is there. */
  readonly replaced?: Uint32Array
  /** Left out where they do not lie there. */
  readonly kept?: RecentRows
  /** Where an event begins in `bytes`, and where it ends, without its separator. */
  start(index: number): number
  end(index: number): number
}

/** What one audience, or one reader, gets of some events. */
export interface Flush {
  readonly segment: EncodedEvents
  readonly marks: Marks
  /** Left out of what is conflated: positions are those of the lossless channels. */
  readonly coverage?: Coverage | undefined
  /** Where its frames lie; each has a buffer of its own if left out. */
  readonly memory?: FrameMemory | undefined
  /** By their index in the segment, where they are at hand. */
  readonly events?: readonly MarketEvent[] | undefined
  /** Of the receiver, where it is one that is behind and whose form has it. */
  readonly deltaBases?: DeltaBases | undefined
}

/** Calls its argument for items, by their numbers; those that there are. */
export type EachItem = (visit: (item: number) => void) => void

/** What one receiver of live frames has to know before the first of them. */
export interface DeltaBases {
  /**
   * Tells some of what is still to be told, one frame at most, of items that the receiver is to get. True: the rest is little, and is
   * told when it becomes live.
   */
  advance(items: EachItem, send: (block: PreparedFrame) => void): boolean
  /** Tells the rest, and where the coverage of the frames to come goes on. */
  complete(
    items: EachItem,
    coverage: Iterable<readonly [partition: number, from: number]>,
    send: (block: PreparedFrame) => void,
  ): void
  /** It is to get other items: nothing of them may be known. */
  renew(): void
  /** While it is behind it was told something else by the numbers of so many items, from the first on. */
  forget(items: number): void
  /** The receiver is not live any more, and has got all batches before the one under way. */
  suspend(): void
}

/** How messages and events look on the wire for one subprotocol. */
export interface WireForm {
  readonly subprotocol: string
  /** One control message. */
  message(message: object): PreparedFrame
  /**
   * Makes frames of events in log order, of at most `maxFrameBytes` unless one event alone is larger. Each says what it covers; once
   * it was sent, `coverage.covered` moves on. All but the last go to `send`; the last is returned, and whoever sends it moves the
   * coverage of every partition of the flush on to where the log was read, by `settle`.
   */
  frames(flush: Flush, send: (block: PreparedFrame) => void): PreparedFrame | undefined
  /** Current values, already encoded, wrapped so that nobody takes them for new events. */
  snapshot(head: object, events: Iterable<Buffer>): Iterable<PreparedFrame>
  /** An audience of this form begins, or ends. */
  opened?(): void
  closed?(): void
  /** Left out where frames stand for themselves. */
  deltaBases?(): DeltaBases
}

/** Sends all frames of some events. */
export function sendEvents(form: WireForm, flush: Flush, send: (block: PreparedFrame) => void): void {
  const last = form.frames(flush, send)
  if (last === undefined) return
  send(last)
  if (flush.coverage !== undefined) settle(flush.segment, flush.marks, flush.coverage)
}

/** States that every partition of some events was told of up to where the log was read. */
export function settle({ partitions }: EncodedEvents, marks: Marks, { covered, reached }: Coverage): void {
  for (let mark = 0; mark < marks.count; mark++) {
    const number = partitions[marks.indices[mark] ?? 0] ?? 0
    covered[number] = reached[number] ?? 0
  }
}

/** What one flush writes at most per frame. */
export const maxFrameBytes = 65_536
