import { isDeepStrictEqual } from 'node:util'
import { channelOfType, type MarketEvent } from '../../../../src/event/event.ts'
import { ConflationCheck } from './conflation-check.ts'
import type { Reading, SimulatedFeed } from './simulated-feed.ts'
import { startMs } from '../../session-fixture.ts'
import {
  type CoveredRange,
  isSamePartition,
  type PartitionPosition,
} from '../../../support/partition-runs.ts'
import { channelOf, itemOf, serialOf, type AcknowledgedSelection } from './acknowledged-selection.ts'

/** The selection that applies from a position on. */
interface Region {
  readonly from: number
  readonly selection: AcknowledgedSelection
}

/** The client of a session, which outlives it. */
export interface Recipient {
  /** The serial numbers of its lossless events. */
  readonly received: Set<number>
  /** The position in a partition; `undefined` if the session has no partition of that number. */
  positionOf(number: number): number | undefined
  fault(text: string): void
}

export interface DeliveryCheckParts {
  readonly client: Recipient
  readonly feed: SimulatedFeed
  readonly isResume: boolean
  /** Whether the client asks for no interval. */
  readonly isAtOnce: boolean
}

/** Compares the frames of one session with what the session owes its client. */
export class DeliveryCheck {
  isCatchingUp: boolean
  readonly #client: Recipient
  readonly #feed: SimulatedFeed
  /** The partitions of the session by number. */
  readonly #entries = new Map<number, PartitionPosition>()
  readonly #regions = new Map<number, Region[]>()
  readonly #lost: CoveredRange[] = []
  /**
   * Ranges between the cursor and the begin of the session, which must be reported as lost before any event.
   */
  #owed: string[] = []
  /** Whether the session has promised everything since the cursor, and reported no loss since. */
  #isWhole = true
  readonly #conflated: ConflationCheck
  /** The newest serial number of each item, among those that pass its filter. */
  readonly #newest = new Map<string, number>()
  #selection: AcknowledgedSelection | undefined

  constructor({ client, feed, isResume, isAtOnce }: DeliveryCheckParts) {
    this.#client = client
    this.#feed = feed
    this.isCatchingUp = isResume
    this.#conflated = new ConflationCheck({
      readings: feed.readings,
      isAtOnce,
      fault: text => this.#fault(text),
    })
  }

  acknowledged(selection: AcknowledgedSelection, partitions: readonly PartitionPosition[]): void {
    const former = this.#selection
    this.#selection = selection
    this.#conflated.leave(selection)
    for (const item of this.#newest.keys())
      if (former?.hasFilterOf(channelOf(item), selection) === false) this.#newest.delete(item)
    for (const entry of partitions) this.#beginAt(entry, former)
    for (const entry of this.#entries.values())
      if (!partitions.some(({ number }) => number === entry.number)) this.retire(entry)
  }

  /** A partition has got a number. */
  begin(entry: PartitionPosition): void {
    this.#beginAt(entry, undefined)
  }

  /** A client that has forgotten a partition may receive its events a second time. */
  forget(number: number): void {
    this.#forget(this.#reading(number))
  }

  /** The session no longer uses a number. */
  retire({ number }: PartitionPosition): void {
    this.#conflated.retire(number)
  }

  /** Compares the begin of a resumed session with its client's cursor. */
  compare(cursor: readonly PartitionPosition[], isWhole: boolean): void {
    for (const entry of this.#entries.values()) {
      const { number } = entry
      const was = cursor.find(each => isSamePartition(each, entry))
      const first = this.#regions.get(number)?.[0]
      if (first === undefined) continue
      // The client has had nothing of a partition that it does not know.
      const isSame = was?.epoch === entry.epoch
      const position = isSame ? was.position : 0
      if (isWhole && (first.from !== position || (was !== undefined && !isSame)))
        this.#fault(`whole, but in ${number} from ${first.from}, not ${position}`)
      if (first.from > position) this.#owed.push(`${number} ${position} ${first.from}`)
      if (!isSame || first.from < position) this.#forget(this.#reading(number))
    }
    const isKnown = (was: PartitionPosition): boolean =>
      [...this.#entries.values()].some(entry => isSamePartition(entry, was))
    if (isWhole && !cursor.every(isKnown)) this.#fault('whole, but without a partition of the cursor')
    this.#isWhole = isWhole
  }

  takeFrame(events: readonly MarketEvent[], ranges: readonly CoveredRange[] | undefined): void {
    if (ranges !== undefined) this.#expectNothingOwed()
    let former: readonly [number: number, offset: number] = [-1, -1]
    for (const event of events) {
      const place = this.#locate(event)
      if (place === undefined) return this.#fault(`not due: ${JSON.stringify(event)}`)
      this.#expectRead(event)
      const [number, offset] = place
      const { replaces = 0, ...published } = event as MarketEvent & { readonly replaces?: number }
      // The tape form has an order of fields of its own.
      if (!isDeepStrictEqual(published, this.#reading(number).records[offset]))
        this.#fault(`not as it was published: ${JSON.stringify(event)}`)
      if (this.#selection?.wants(event) !== true) this.#fault(`not subscribed: ${JSON.stringify(event)}`)
      const isCovered = ranges?.some(([of, from, to]) => of === number && from <= offset && offset < to)
      if (ranges !== undefined && isCovered !== true) this.#fault(`${number}/${offset} is not covered`)
      if (this.#selection?.isConflated(channelOfType[event.T]) === true) {
        this.#order(event, serialOf(event))
        this.#conflated.take({ number, offset, event, replaces })
      } else {
        this.#order(event, serialOf(event) - 1)
        if (ranges === undefined || replaces > 0) this.#fault(`conflated: ${JSON.stringify(event)}`)
        if (former[0] === number && former[1] >= offset) this.#fault(`${number}/${offset} after ${former[1]}`)
        this.#takeLossless(number, offset, serialOf(event))
        former = [number, offset]
      }
    }
  }

  /**
   * Current values. Items without an event since `since` may be absent; `since` is the serial number of an
   * event, as a time after the start.
   */
  takeSnapshot(events: readonly MarketEvent[], since: unknown): void {
    if (typeof since === 'string') this.#conflated.takeSince(Date.parse(since) - startMs)
    for (const event of events) {
      const wasWanted = [...this.#regions.values()].flat().some(({ selection }) => selection.wants(event))
      if (!wasWanted) this.#fault(`not asked for, in a snapshot: ${JSON.stringify(event)}`)
      this.#expectRead(event)
      if (event.T === 'n') continue
      this.#order(event, serialOf(event))
      this.#conflated.takeValue(event)
    }
  }

  lose(ranges: readonly CoveredRange[]): void {
    for (const range of ranges) {
      const [number, from, to] = range
      const { partition, epoch, isOver } = this.#reading(number)
      const isGone =
        isOver ||
        epoch !== partition.epoch ||
        to <= Math.max(partition.first, partition.recent) ||
        partition.gapEnd(from) >= to
      if (!isGone) this.#fault(`not lost: ${JSON.stringify(range)}, the log begins at ${partition.first}`)
      this.#lost.push(range)
      this.#isWhole = false
      this.#owed = this.#owed.filter(owed => owed !== range.join(' '))
      this.#conflated.lose(range)
    }
  }

  /** Conflated events in these ranges were replaced without being counted. */
  skip(ranges: readonly CoveredRange[]): void {
    if (ranges.length === 0) this.#fault('"replaced" without a range')
    for (const range of ranges) this.#conflated.pass(range)
  }

  /** The session is live: conflated items count from here. */
  resumed(isWhole: boolean): void {
    this.#expectNothingOwed()
    if (isWhole !== this.#isWhole) this.#fault(`resumed: recovered is ${isWhole}, not ${this.#isWhole}`)
    if (!this.isCatchingUp) this.#fault('resumed without a resume')
    this.isCatchingUp = false
    this.#conflated.resumed(number => this.#client.positionOf(number))
  }

  /** Reports missing lossless events up to the client's positions. */
  settle(): void {
    // A partition that the session no longer has is due to its end.
    for (const number of this.#regions.keys())
      this.#expectTo(number, this.#client.positionOf(number) ?? this.#reading(number).end)
  }

  /** Reports what is missing when the client should have everything that its node has read. */
  expectEnd(): void {
    if (this.isCatchingUp) this.#fault('still catching up')
    for (const number of this.#regions.keys()) this.#expectTo(number, this.#reading(number).end)
    this.#conflated.expectEnd()
  }

  #beginAt(entry: PartitionPosition, former: AcknowledgedSelection | undefined): void {
    const selection = this.#selection
    if (selection === undefined) return
    const { number, position } = entry
    this.#entries.set(number, entry)
    const regions = this.#regions.get(number) ?? []
    this.#regions.set(number, [...regions, { from: position, selection }])
    const { isCatchingUp } = this
    this.#conflated.begin({
      number,
      position,
      isCatchingUp,
      selection,
      former: regions.length === 0 ? undefined : former,
    })
  }

  #takeLossless(number: number, offset: number, serial: number): void {
    const have = this.#client.positionOf(number) ?? 0
    if (offset < have) this.#fault(`${number}/${offset} though it has everything before ${have}`)
    if (this.#client.received.has(serial)) this.#fault(`${serial} at ${number}/${offset} came twice`)
    this.#client.received.add(serial)
  }

  #expectNothingOwed(): void {
    if (this.#owed.length > 0) this.#fault(`not selection to be lost: ${this.#owed.join()}`)
  }

  #expectTo(number: number, end: number): void {
    const regions = this.#regions.get(number) ?? []
    for (const [index, { from, selection }] of regions.entries()) {
      const to = regions[index + 1]?.from ?? end
      for (let offset = from; offset < to; offset++) this.#expect(number, offset, selection)
    }
  }

  #expect(number: number, offset: number, selection: AcknowledgedSelection): void {
    const event = this.#reading(number).records[offset]
    if (event === undefined || !selection.wantsEvery(event)) return
    const isLost = this.#lost.some(([of, from, to]) => of === number && from <= offset && offset < to)
    if (!isLost && !this.#client.received.has(serialOf(event)))
      this.#fault(`missing: ${JSON.stringify(event)} at ${number}/${offset}`)
  }

  /** No event comes before its feed has read it. */
  #expectRead(event: MarketEvent): void {
    if (this.#feed.isEarly(event)) this.#fault(`too early: ${JSON.stringify(event)}`)
  }

  #reading(number: number): Reading {
    const reading = this.#feed.readings.get(number)
    if (reading === undefined) throw new RangeError(`no partition ${number}`)
    return reading
  }

  /** The partition and offset of an event, under the newest number that the partition has had. */
  #locate(event: MarketEvent): readonly [number: number, offset: number] | undefined {
    const serial = serialOf(event)
    for (const [number, regions] of [...this.#regions].toReversed()) {
      const offset = this.#reading(number).records.findIndex(
        record => record !== undefined && serialOf(record) === serial,
      )
      if (offset >= Math.min(...regions.map(({ from }) => from))) return [number, offset]
    }
    return undefined
  }

  /** After a topic was recreated or a log cut back, the client may receive its events a second time. */
  #forget({ partition, records }: Reading): void {
    for (const event of [...records, ...partition.records])
      if (event !== undefined) this.#client.received.delete(serialOf(event))
  }

  #fault(text: string): void {
    this.#client.fault(text)
  }

  /** No event of an item may be older than an earlier one. */
  #order(event: MarketEvent, floor: number): void {
    if (event.T === 'n') return
    const item = itemOf(event)
    if ((this.#newest.get(item) ?? 0) > floor) this.#fault(`${JSON.stringify(event)} after something newer`)
    this.#newest.set(item, serialOf(event))
  }
}
