import type { Channel, MarketEvent } from '../event/event.ts'
import type { Dialect } from '../protocol/dialect.ts'
import type { ServerMessage, SnapshotFacts } from '../protocol/server-message.ts'
import type { Coverage } from './coverage.ts'
import type { PayloadMemory } from './payload-memory.ts'
import type { Payload } from './payload.ts'

/** A choice of events by their indices: `indices[0, count)`, rising. */
export interface EventIndices {
  readonly indices: Uint32Array
  readonly count: number
}

/** A segment of the recent events. */
export interface RecentSegment {
  /** Another object whenever the segment begins anew with other events. */
  readonly identity: object
  /** The address of the first row; within a partition no other event ever has it. */
  readonly firstAddress: number
  /** The number of rows that the segment has room for. */
  readonly capacity: number
}

/**
 * Where events lie among the recent ones. Data derived from an event can be kept for as long as the event.
 */
export interface RecentRows {
  readonly segments: readonly RecentSegment[]
  readonly rows: Uint32Array
  /** The numbers of their items in this process. */
  readonly items: Uint32Array
}

/** Encoded events side by side, each followed by one separator byte, with columns beside them. */
export interface EncodedEvents {
  readonly bytes: Buffer
  /** The number of each event's partition, and the offset of its record. */
  readonly partitions: Uint32Array
  readonly offsets: Float64Array
  /** How many earlier events of its item each event replaces; absent where no event does. */
  readonly replaced?: Uint32Array
  /** Present if they are all recent events of their items since the first of each. */
  readonly recent?: RecentRows | undefined
  /** Where an event begins in `bytes`. */
  start(index: number): number
  /** Where an event ends in `bytes`, without its separator. */
  end(index: number): number
}

/** The events of the batch under way. */
export interface LiveEvents extends EncodedEvents {
  /** The number of each event's item. */
  readonly items: Uint32Array
  readonly channels: readonly Channel[]
}

/** Events on their way to one audience or to one reader. */
export interface OutgoingEvents {
  readonly events: EncodedEvents
  readonly chosen: EventIndices
  /** Absent for conflated events: positions are those of the lossless channels. */
  readonly coverage?: Coverage | undefined
  /** Memory for the frames; without it each frame has a buffer of its own. */
  readonly memory?: PayloadMemory | undefined
  /** The events as objects, by index, where they are at hand. */
  readonly parsed?: readonly MarketEvent[] | undefined
  /** Returns whether events of a channel are left out, for they do not pass a filter; absent if none are. */
  readonly isPartial?: ((channel: Channel) => boolean) | undefined
  /** The delta bases of the receiver, if it is a reader that is behind and its form has them. */
  readonly deltaBases?: DeltaBases | undefined
}

/** Calls `visit` with the number of each item of a selection that has had an event. */
export type EachItem = (visit: (item: number) => void) => void

/**
 * The delta bases that one receiver knows: the last events of its items, to which the changes in live frames
 * refer.
 */
export interface DeltaBases {
  /**
   * Sends some of the missing bases, one frame at most. Returns true if few are missing: `complete` sends
   * these when it becomes live.
   */
  advance(items: EachItem, send: (frame: Payload) => void): boolean
  /** Sends the missing bases, and where the coverage of the frames to come goes on. */
  complete(
    items: EachItem,
    coverage: Iterable<readonly [partition: number, from: number]>,
    send: (frame: Payload) => void,
  ): void
  /** The receiver's selection changes: it may know nothing of the other items. */
  renew(): void
  /** While it was behind, the receiver was sent other items by the numbers below `items`. */
  forget(items: number): void
  /** The receiver is live no more. It has got every batch before the one under way. */
  suspend(): void
}

/** Where an event of a batch comes from. */
export interface EventSource {
  /** The number of the item in this process. */
  readonly item: number
  /** The number of the event's partition. */
  readonly partition: number
  /** The event in JSON, where it is at hand. */
  readonly json?: Uint8Array | undefined
}

/**
 * Encodes events for a wire form as they come in, once for all its audiences. While the form has none, it is
 * asked for nothing.
 */
export interface EventEncoder {
  /** Encodes an event of the batch under way; `index` is its index there. */
  encode(event: MarketEvent, source: EventSource, index: number): void
  /** Begins another batch. */
  reset(): void
  /** Forgets an item, whose number another item gets. */
  forget(item: number): void
  /** Forgets everything: the last audience of the form has ended. */
  clear(): void
}

/** What the pieces of a snapshot have in common. `sinceMs` is read for each piece, of that moment. */
export interface SnapshotHead extends Pick<SnapshotFacts, 'id'> {
  readonly sinceMs: () => number | undefined
}

/** How messages and events of one dialect are encoded. */
export interface WireForm {
  /** Clients choose the form by this name. */
  readonly name: string
  readonly dialect: Dialect
  /** Encodes a message; `undefined` if the dialect has no words for it. */
  message(message: ServerMessage): Payload | undefined
  /**
   * Makes frames of events in log order, of at most `maxFrameBytes` unless one event alone is larger. Each
   * frame states what it covers. All but the last go to `send`, after which `coverage.covered` moves on. The
   * last is returned; its sender then calls `settle`.
   */
  frames(outgoing: OutgoingEvents, send: (frame: Payload) => void): Payload | undefined
  /**
   * Encodes current values, which are encoded already, so that no client takes them for new events. Where
   * `undefined` stands among them, the next one takes another turn of the event loop, and so does the next
   * frame after an `undefined` of the result.
   */
  snapshot(head: SnapshotHead, events: Iterable<Buffer | undefined>): Iterable<Payload | undefined>
  /** Absent if the form takes events as they were encoded when they came in. */
  readonly encoder?: EventEncoder
  /** Absent if a frame can be read without those before it. */
  createDeltaBases?(): DeltaBases
}

/** The wire forms of a feed; the first is the default. */
export type WireForms = readonly [WireForm, ...WireForm[]]

/** Sends all frames of some events. */
export function sendEvents(form: WireForm, outgoing: OutgoingEvents, send: (frame: Payload) => void): void {
  const last = form.frames(outgoing, send)
  if (last === undefined) return
  send(last)
  if (outgoing.coverage !== undefined) settle(outgoing.events, outgoing.chosen, outgoing.coverage)
}

/** States that the partitions of some events are covered up to where the log was read. */
export function settle(
  { partitions }: EncodedEvents,
  chosen: EventIndices,
  { covered, reached }: Coverage,
): void {
  for (let place = 0; place < chosen.count; place++) {
    const number = partitions[chosen.indices[place] ?? 0] ?? 0
    covered[number] = reached[number] ?? 0
  }
}

/** The most bytes of a payload with several events. */
export const maxFrameBytes = 65_536
