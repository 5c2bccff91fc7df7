import type { MarketEvent } from '../../event/event.ts'
import type { Feed } from '../../feed/feed.ts'
import { Item } from '../../feed/last-values/item.ts'
import type { Selection } from '../../feed/selection.ts'
import type { HistoryBatch } from '../../history/history.ts'
import type { Payload } from '../../wire/payload.ts'
import { type DeltaBases, type EncodedEvents, sendEvents, type WireForm } from '../../wire/wire-form.ts'
import type { OffsetRange } from '../../protocol/positions.ts'

/** Where a read of the log begins. */
export interface HistoryStart {
  /** Of the partition. */
  readonly number: number
  readonly from: number
  /** The client has everything before this offset. */
  readonly covered: number
}

/** The reader that frames are made for. */
export interface FrameReceiver {
  readonly feed: Feed
  readonly form: WireForm
  /** What the reader has to know when it is live, where its wire form needs that. */
  readonly deltaBases: DeltaBases | undefined
}

/** What is sent of a read: frames, and losses that were found. */
export type HistoryPart = { readonly frame: Payload } | { readonly lost: OffsetRange }

/** A chunk of the log, read for one reader, as frames that are sent one by one. */
export class HistoryFrames {
  readonly parts: HistoryPart[] = []
  readonly #number: number
  readonly #receiver: FrameReceiver
  /** The client has everything before these offsets: before each part is sent, and after all of them. */
  readonly #coveredBefore: number[] = []
  readonly #covered: number[] = []
  #to: number
  #events = 0
  #bytes = 0

  constructor({ number, from, covered }: HistoryStart, receiver: FrameReceiver) {
    this.#number = number
    this.#receiver = receiver
    this.#to = from
    this.#covered[number] = covered
  }

  /** Where the read ends. */
  get to(): number {
    return this.#to
  }

  get events(): number {
    return this.#events
  }

  /** Of the frames. */
  get bytes(): number {
    return this.#bytes
  }

  /** The client has everything before this offset once the part was sent. */
  coveredAfter(part: number): number {
    return this.#coveredBefore[part + 1] ?? this.#covered[this.#number] ?? this.#to
  }

  /** Adds what comes next in the log. */
  add(batch: HistoryBatch, selection: Selection): void {
    const number = this.#number
    if (batch.from > this.#to) this.#addPart({ lost: { number, from: this.#to, to: batch.from } })
    const { batch: eventBatch } = this.#receiver.feed.readContext
    eventBatch.reset()
    const events: MarketEvent[] = []
    for (const { event, offset, json } of batch.events) {
      if (!selection.wants(event)) continue
      events.push(event)
      eventBatch.append(json ?? JSON.stringify(event), unknownItem, { partition: number, offset })
    }
    this.#to = batch.to
    this.#events += eventBatch.count
    const end = { number, to: batch.to, covered: this.#covered }
    frameEvents(this.#receiver, { run: eventBatch, count: eventBatch.count, events, end }, frame => {
      this.#bytes += frame.length
      this.#addPart({ frame })
    })
  }

  #addPart(part: HistoryPart): void {
    this.parts.push(part)
    this.#coveredBefore.push(this.#covered[this.#number] ?? 0)
  }
}

/** The first `count` events of a run. All are of one partition. */
export interface EventRead {
  readonly run: EncodedEvents
  readonly count: number
  /** The same events as objects, where they are at hand. */
  readonly events?: readonly MarketEvent[]
  readonly end: EventReadEnd
}

export interface EventReadEnd {
  /** Of the partition. */
  readonly number: number
  /** The offset behind what was read. */
  readonly to: number
  /**
   * The client has everything before these offsets, by the number of the partition; moved on by each frame.
   */
  readonly covered: number[]
}

/** Makes frames of what was read for one reader. */
export function frameEvents(
  { feed, form, deltaBases }: FrameReceiver,
  { run, count, events, end: { number, to, covered } }: EventRead,
  send: (frame: Payload) => void,
): void {
  if (count === 0) return
  const reached: number[] = []
  reached[number] = to
  const coverage = { covered, begins: covered, reached }
  const chosen = feed.readContext.allOf(count)
  sendEvents(form, { events: run, chosen, parsed: events, coverage, deltaBases }, send)
}

/** The log may hold events of items that this node does not know. */
const unknownItem = new Item(0, 'trades', '', 0)
