import { setImmediate as nextLoopTurn, setTimeout as pause } from 'node:timers/promises'
import { channelOfType, type MarketEvent } from '../event/event.ts'
import type { Feed, NumberedPosition } from '../fanout/feed.ts'
import type { History, HistoryBatch } from '../fanout/history.ts'
import { type Interest, wants } from '../fanout/interest.ts'
import { Excerpt } from '../tape/excerpt.ts'
import { Item } from '../tape/item.ts'
import { readEvents } from '../tape/read-events.ts'
import { Segment } from '../tape/segment.ts'
import type { Wanted } from '../tape/wanted.ts'
import type { Block } from '../wire/block.ts'
import type { EventRun, Marks } from '../wire/wire-form.ts'
import type { Transport } from './transport.ts'

export interface CatchUpParts {
  readonly feed: Feed
  readonly history: History
  readonly transport: Transport
  /** What is wanted of the past; may become less meanwhile. */
  readonly interest: () => Interest
  /** Changes with what the reader is entitled to. */
  readonly entitlement: () => number
  readonly deliver: (block: Block) => void
  /** Tells of offsets that are gone, by the number of their partition. */
  readonly lose: (number: number, from: number, to: number) => void
  /** Lets a few readers read the log at a time. */
  readonly inTurn: (work: () => Promise<void>) => Promise<void>
  readonly signal: AbortSignal
}

/** Offsets that are read from the log before others have their turn: 150 kB of frames that a slow reader may hold. */
const stepOffsets = 1024

/**
 * Brings one reader from where it was to where the feed is, in order and at the pace of its connection. What it is given covers
 * every offset from its start on, so that nothing is missing and nothing comes twice.
 */
export class CatchUp {
  readonly #parts: CatchUpParts
  /** How far it has read, and what it has told its reader to have, by the number of the partition. */
  readonly #reached: number[] = []
  readonly #covered: number[] = []
  #wake: () => void = () => undefined

  constructor(parts: CatchUpParts, starts: readonly { readonly number: number; readonly offset: number }[]) {
    this.#parts = parts
    for (const { number, offset } of starts) {
      this.#reached[number] = offset
      this.#covered[number] = offset
    }
    parts.transport.onDrain(() => this.#wake())
    parts.signal.addEventListener('abort', () => this.#wake(), { once: true })
  }

  /**
   * Reads until the reader is where the feed is, and calls `join` in that very moment, before anything else can happen; never when
   * the signal aborts. Rejects when the log does not answer, or a topic was made again.
   */
  async run(join: () => void): Promise<void> {
    const { signal } = this.#parts
    while (!signal.aborted) {
      await this.#room()
      if (signal.aborted) return
      const rest = this.#readRecent()
      if (rest.length === 0) {
        this.#tellCoverage()
        join()
        return
      }
      const older = rest.find(position => this.#isBeyondMemory(position))
      if (older !== undefined) await this.#readLog(older)
      else if (rest.every(position => this.#at(position) > position.offset)) await this.#feedMoves()
    }
  }

  /** Reads what is in memory, some of each partition, in one go; what remains to be read then. */
  #readRecent(): NumberedPosition[] {
    const { feed, interest } = this.#parts
    const wanted = wantedItems(feed, interest())
    for (const position of this.#behind()) {
      const window = feed.window.at(position.number)
      if (window === undefined) continue
      excerpt.clear()
      const read = readEvents(window, { from: this.#at(position), wanted, excerpt })
      if (read.kind !== 'read') continue
      const { number } = position
      this.#frame(excerpt, excerpt.count, { number, to: read.to }, this.#parts.deliver)
    }
    return this.#behind()
  }

  /** The partitions that it has not read as far as the feed, or further than this node has. */
  #behind(): NumberedPosition[] {
    return this.#parts.feed.positions().filter(position => this.#at(position) !== position.offset)
  }

  #at({ number }: NumberedPosition): number {
    return this.#reached[number] ?? this.#parts.feed.beginOf(number)
  }

  #isBeyondMemory(position: NumberedPosition): boolean {
    const window = this.#parts.feed.window.at(position.number)
    return this.#at(position) < (window?.from ?? position.offset)
  }

  /** Another node had come further than this one: until it has come so far, too, there is nothing to read. */
  async #feedMoves(): Promise<void> {
    await pause(pollMs, undefined, { signal: this.#parts.signal }).catch(() => undefined)
  }

  /** Reads a piece of the log, then sends it: while the reader takes its time, others may read. */
  async #readLog(position: NumberedPosition): Promise<void> {
    const { history, inTurn, signal, feed } = this.#parts
    const { partition, epoch, number } = position
    const from = this.#at(position)
    const recent = feed.window.at(number)?.from ?? position.offset
    const to = Math.min(from + stepOffsets, Math.max(recent, from + 1))
    const frames: Frame[] = []
    const entitlement = this.#parts.entitlement()
    await inTurn(async () => {
      for await (const batch of history.read({ partition, epoch, offset: from }, to, signal)) {
        this.#take(batch, number, frames)
        await nextLoopTurn()
      }
    })
    for (const frame of frames) {
      await this.#room()
      if (signal.aborted) return
      if (this.#parts.entitlement() !== entitlement) return this.#goBack(number, frame.from)
      this.#parts.deliver(frame.block)
    }
    // What is not stable yet any more was cut back; the feed will say so.
    if (this.#at(position) === from) await this.#feedMoves()
  }

  /** What was made under another token is made anew. */
  #goBack(number: number, offset: number): void {
    this.#reached[number] = offset
    this.#covered[number] = offset
  }

  #take(batch: HistoryBatch, number: number, frames: Frame[]): void {
    const at = this.#reached[number] ?? batch.from
    if (batch.from > at) this.#parts.lose(number, at, batch.from)
    const interest = this.#parts.interest()
    segment.reset()
    for (const { event, offset, json } of batch.events) {
      if (!isWanted(interest, event)) continue
      segment.append(json ?? JSON.stringify(event), noItem, { partition: number, offset })
    }
    this.#frame(segment, segment.count, { number, to: batch.to }, block => {
      frames.push({ block, from: this.#covered[number] ?? at })
    })
  }

  #frame(run: EventRun, count: number, { number, to }: RunEnd, send: (block: Block) => void): void {
    this.#reached[number] = to
    if (count === 0) return
    const coverage = { covered: this.#covered, begins: this.#covered, reached: this.#reached }
    this.#parts.transport.form.events({ segment: run, marks: allOf(count), coverage }, send)
  }

  /** Says of what held no events for the reader that it was read. */
  #tellCoverage(): void {
    const ranges: [number, number, number][] = []
    for (const { number, offset } of this.#parts.feed.positions()) {
      const from = this.#covered[number] ?? this.#parts.feed.beginOf(number)
      if (from < offset) ranges.push([number, from, offset])
    }
    if (ranges.length === 0) return
    this.#parts.deliver(this.#parts.transport.form.message({ T: 'coverage', ranges }))
  }

  async #room(): Promise<void> {
    const { transport, signal } = this.#parts
    await nextLoopTurn()
    while (!transport.hasRoom && !signal.aborted) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }
}

/** A frame that waits to be delivered. */
interface Frame {
  readonly block: Block
  /** From where it covers its partition. */
  readonly from: number
}

interface RunEnd {
  readonly number: number
  /** Up to where the partition was read with it. */
  readonly to: number
}

/** Used by one reader at a time, and emptied before the loop has its turn: what is read from memory, and from the log. */
const excerpt = new Excerpt({ maxBytes: 262_144, maxEvents: 4096, maxSteps: 50_000 })
const segment = new Segment()
/** Items listed for a read at most; more are asked for one by one. */
const mostListed = 1000
/** How often it is looked whether the feed has come to a position that another node was at. */
const pollMs = 20
/** What is read from the log may be of items that this node has not met. */
const noItem = new Item(0, 'trades', '', 0)

let everyIndex = new Uint32Array(4096)

function allOf(count: number): Marks {
  if (count > everyIndex.length) everyIndex = new Uint32Array(count * 2)
  if (everyIndex[count - 1] !== count - 1)
    for (let index = 0; index < everyIndex.length; index++) everyIndex[index] = index
  return { indices: everyIndex, count }
}

function isWanted(interest: Interest, event: MarketEvent): boolean {
  const channel = channelOfType[event.T]
  if (event.T !== 'n') return wants(interest, channel, event.S)
  return interest.get(channel) === '*' || event.symbols.some(symbol => wants(interest, channel, symbol))
}

/** The items of an interest: by number, so that their chains can be followed, where they are few enough to be listed for each read. */
function wantedItems({ tape: { items } }: Feed, interest: Interest): Wanted {
  const numbers = new Set<number>()
  for (const [channel, symbols] of interest) {
    if (symbols === '*' || numbers.size + symbols.size > mostListed)
      return number => {
        const item = items.at(number)
        return item !== undefined && wants(interest, item.channel, item.symbol)
      }
    for (const symbol of symbols) {
      const item = items.find(channel, symbol)
      if (item !== undefined) numbers.add(item.number)
    }
  }
  return numbers
}
