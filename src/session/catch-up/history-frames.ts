import { channelOfType, type MarketEvent } from '../../event/event.ts'
import type { HistoryBatch } from '../../history/history.ts'
import { type Selection, selects } from '../../feed/selection.ts'
import { Item } from '../../feed/last-values/item.ts'
import type { Feed } from '../../feed/feed.ts'
import type { PreparedFrame } from '../../wire/prepared-frame.ts'
import { type EncodedEvents, type DeltaBases, sendEvents, type WireForm } from '../../wire/wire-form.ts'
import type { OffsetRange } from './window-read.ts'

/** Where a piece begins in a partition, and up to where its reader has everything before. */
export interface HistoryFramesStart {
  /** Of the partition. */
  readonly number: number
  readonly from: number
  readonly covered: number
}

/** For whom frames are made. */
export interface Receiver {
  readonly form: WireForm
  /** What it has to know when it is live, where its form asks for that. */
  readonly feed: Feed
  readonly deltaBases: DeltaBases | undefined
}

/** What is sent of a piece: frames, and losses that were found. */
export type Sending = { readonly block: PreparedFrame } | { readonly lost: OffsetRange }

/** What was read of the log for one reader, in frames that are sent one by one. */
export class HistoryFrames {
  readonly sendings: Sending[] = []
  readonly #number: number
  readonly #receiver: Receiver
  /** Up to where the reader has everything before each of the sendings, and after all of them. */
  readonly #befores: number[] = []
  readonly #covered: number[] = []
  #to: number
  #events = 0
  #bytes = 0

  constructor({ number, from, covered }: HistoryFramesStart, receiver: Receiver) {
    this.#number = number
    this.#receiver = receiver
    this.#to = from
    this.#covered[number] = covered
  }

  /** Up to where it was read. */
  get to(): number {
    return this.#to
  }

  get events(): number {
    return this.#events
  }

  /** Of its frames. */
  get bytes(): number {
    return this.#bytes
  }

  /** Up to where the reader has everything once it was sent this. */
  coveredAfter(sending: number): number {
    return this.#befores[sending + 1] ?? this.#covered[this.#number] ?? this.#to
  }

  /** Takes in what comes next in the log. */
  take(batch: HistoryBatch, selection: Selection): void {
    const number = this.#number
    if (batch.from > this.#to) this.#add({ lost: { number, from: this.#to, to: batch.from } })
    const { batch: collected } = this.#receiver.feed.readContext
    collected.reset()
    const events: MarketEvent[] = []
    for (const { event, offset, json } of batch.events) {
      if (!isWanted(selection, event)) continue
      events.push(event)
      collected.append(json ?? JSON.stringify(event), noItem, { partition: number, offset })
    }
    this.#to = batch.to
    this.#events += collected.count
    const end = { number, to: batch.to, covered: this.#covered }
    frameEvents(this.#receiver, { run: collected, count: collected.count, events, end }, block => {
      this.#bytes += block.framed().length
      this.#add({ block })
    })
  }

  #add(sending: Sending): void {
    this.sendings.push(sending)
    this.#befores.push(this.#covered[this.#number] ?? 0)
  }
}

/** The first so many events of a run, which all are of one partition. */
export interface EventRead {
  readonly run: EncodedEvents
  readonly count: number
  /** They, where they are at hand as objects. */
  readonly events?: readonly MarketEvent[]
  readonly end: EventReadEnd
}

export interface EventReadEnd {
  /** Of the partition. */
  readonly number: number
  /** Up to where it was read with them. */
  readonly to: number
  /** Up to where the reader has everything; moved on. */
  readonly covered: number[]
}

/** Makes frames of what was read for one reader. */
export function frameEvents(
  { form, feed, deltaBases }: Receiver,
  { run, count, events, end: { number, to, covered } }: EventRead,
  send: (block: PreparedFrame) => void,
): void {
  if (count === 0) return
  const reached: number[] = []
  reached[number] = to
  const coverage = { covered, begins: covered, reached }
  const chosen = feed.readContext.allOf(count)
  sendEvents(form, { events: run, chosen, parsed: events, coverage, deltaBases }, send)
}

/** What is read from the log may be of items that this node has not met. */
const noItem = new Item(0, 'trades', '', 0)

function isWanted(selection: Selection, event: MarketEvent): boolean {
  const channel = channelOfType[event.T]
  if (event.T !== 'n') return selects(selection, channel, event.S)
  return selection.get(channel) === '*' || event.symbols.some(symbol => selects(selection, channel, symbol))
}
