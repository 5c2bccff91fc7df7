import { isDeepStrictEqual } from 'node:util'
import { channelOfType, type MarketEvent } from '../../../src/event/event.ts'
import { ConflatedItems } from './conflated-items.ts'
import type { GatewayNode, Reading } from './gateway-node.ts'
import { startMs } from '../stage.ts'
import { itemOf, serialOf, type Told } from './told.ts'
import { type CursorEntry, isSamePartition } from './cursor-entry.ts'

type Range = readonly [number: number, from: number, to: number]

/** From where on what is due. */
interface Region {
  readonly from: number
  readonly told: Told
}

/** What of a client outlives its sessions. */
export interface Recipient {
  /** The serial numbers of its lossless events. */
  readonly received: Set<number>
  /** Up to where it has everything of a partition; `undefined` if the number stands for none. */
  positionOf(number: number): number | undefined
  fault(text: string): void
}

export interface SessionLedgerParts {
  readonly client: Recipient
  readonly node: GatewayNode
  readonly isResume: boolean
  /** Whether the client asks for no interval. */
  readonly isAtOnce: boolean
}

/** What one session owes its client, held against what it delivers. */
export class SessionLedger {
  isCatchingUp: boolean
  readonly #client: Recipient
  readonly #node: GatewayNode
  /** By the number of the partition: how it was told first or last, and what is due. */
  readonly #entries = new Map<number, CursorEntry>()
  readonly #regions = new Map<number, Region[]>()
  readonly #lost: Range[] = []
  /** What lies between the cursor and where the session begins: it has to be told before anything else. */
  #owed: string[] = []
  /** Whether it was told that everything since its cursor comes, and nothing to be lost since. */
  #isWhole = true
  readonly #conflated: ConflatedItems
  /** The newest serial number of each item. */
  readonly #newest = new Map<string, number>()
  #told: Told | undefined

  constructor({ client, node, isResume, isAtOnce }: SessionLedgerParts) {
    this.#client = client
    this.#node = node
    this.isCatchingUp = isResume
    this.#conflated = new ConflatedItems({
      readings: node.readings,
      isAtOnce,
      fault: text => this.#fault(text),
    })
  }

  acknowledged(told: Told, partitions: readonly CursorEntry[]): void {
    const former = this.#told
    this.#told = told
    this.#conflated.leave(told)
    for (const entry of partitions) this.#beginAt(entry, former)
    for (const entry of this.#entries.values())
      if (!partitions.some(({ number }) => number === entry.number)) this.retire(entry)
  }

  /** A partition has a number from now on. */
  begin(entry: CursorEntry): void {
    this.#beginAt(entry, undefined)
  }

  /** A client that has forgotten a partition gets everything in it, perhaps once more. */
  forget(number: number): void {
    this.#forget(this.#reading(number))
  }

  /** A number stands for nothing any more. */
  retire({ number }: CursorEntry): void {
    this.#conflated.retire(number)
  }

  /** Holds where a resumed session begins against where its client was. */
  compare(cursor: readonly CursorEntry[], isWhole: boolean): void {
    for (const entry of this.#entries.values()) {
      const { number } = entry
      const was = cursor.find(each => isSamePartition(each, entry))
      const first = this.#regions.get(number)?.[0]
      if (first === undefined) continue
      // Of a partition that it does not know it has had nothing.
      const isSame = was?.epoch === entry.epoch
      const position = isSame ? was.position : 0
      if (isWhole && (first.from !== position || (was !== undefined && !isSame)))
        this.#fault(`whole, but in ${number} from ${first.from}, not ${position}`)
      if (first.from > position) this.#owed.push(`${number} ${position} ${first.from}`)
      if (!isSame || first.from < position) this.#forget(this.#reading(number))
    }
    const isKnown = (was: CursorEntry): boolean =>
      [...this.#entries.values()].some(entry => isSamePartition(entry, was))
    if (isWhole && !cursor.every(isKnown)) this.#fault('whole, but without a partition of the cursor')
    this.#isWhole = isWhole
  }

  takeFrame(events: readonly MarketEvent[], ranges: readonly Range[] | undefined): void {
    if (ranges !== undefined) this.#expectNothingOwed()
    let former: readonly [number: number, offset: number] = [-1, -1]
    for (const event of events) {
      const place = this.#locate(event)
      if (place === undefined) return this.#fault(`not due: ${JSON.stringify(event)}`)
      const [number, offset] = place
      const { replaces = 0, ...published } = event as MarketEvent & { readonly replaces?: number }
      // The tape form has an order of fields of its own.
      if (!isDeepStrictEqual(published, this.#reading(number).records[offset]))
        this.#fault(`not as it was published: ${JSON.stringify(event)}`)
      if (this.#told?.wants(event) !== true) this.#fault(`not subscribed: ${JSON.stringify(event)}`)
      const isCovered = ranges?.some(([of, from, to]) => of === number && from <= offset && offset < to)
      if (ranges !== undefined && isCovered !== true) this.#fault(`${number}/${offset} is not covered`)
      if (this.#told?.isConflated(channelOfType[event.T]) === true) {
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

  /** Current values; of what had no event since a time, which is the serial number of an event after the start here, there may be none. */
  takeSnapshot(events: readonly MarketEvent[], since: unknown): void {
    if (typeof since === 'string') this.#conflated.takeSince(Date.parse(since) - startMs)
    for (const event of events) {
      const wasWanted = [...this.#regions.values()].flat().some(({ told }) => told.wants(event))
      if (!wasWanted) this.#fault(`not asked for, in a snapshot: ${JSON.stringify(event)}`)
      if (event.T === 'n') continue
      this.#order(event, serialOf(event))
      this.#conflated.takeValue(event)
    }
  }

  lose(ranges: readonly Range[]): void {
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

  /** What was conflated in these ranges was replaced, uncounted. */
  skip(ranges: readonly Range[]): void {
    for (const range of ranges) this.#conflated.pass(range)
  }

  /** It is live: conflated items count from here. */
  resumed(isWhole: boolean): void {
    this.#expectNothingOwed()
    if (isWhole !== this.#isWhole) this.#fault(`resumed: recovered is ${isWhole}, not ${this.#isWhole}`)
    if (!this.isCatchingUp) this.#fault('resumed without a resume')
    this.isCatchingUp = false
    this.#conflated.resumed(number => this.#client.positionOf(number))
  }

  /** Says which lossless events should have come, as far as it was told to have everything. */
  settle(): void {
    // What a number stood for to its end is due in whole once it stands for nothing any more.
    for (const number of this.#regions.keys())
      this.#expectTo(number, this.#client.positionOf(number) ?? this.#reading(number).end)
  }

  /** Says what is missing where it should have everything that its node has read. */
  expectEnd(): void {
    if (this.isCatchingUp) this.#fault('still catching up')
    for (const number of this.#regions.keys()) this.#expectTo(number, this.#reading(number).end)
    this.#conflated.expectEnd()
  }

  #beginAt(entry: CursorEntry, former: Told | undefined): void {
    const told = this.#told
    if (told === undefined) return
    const { number, position } = entry
    this.#entries.set(number, entry)
    const regions = this.#regions.get(number) ?? []
    this.#regions.set(number, [...regions, { from: position, told }])
    const { isCatchingUp } = this
    this.#conflated.begin({
      number,
      position,
      isCatchingUp,
      told,
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
    if (this.#owed.length > 0) this.#fault(`not told to be lost: ${this.#owed.join()}`)
  }

  #expectTo(number: number, end: number): void {
    const regions = this.#regions.get(number) ?? []
    for (const [index, { from, told }] of regions.entries()) {
      const to = regions[index + 1]?.from ?? end
      for (let offset = from; offset < to; offset++) this.#expect(number, offset, told)
    }
  }

  #expect(number: number, offset: number, told: Told): void {
    const event = this.#reading(number).records[offset]
    if (event === undefined || !told.wantsEvery(event)) return
    const isLost = this.#lost.some(([of, from, to]) => of === number && from <= offset && offset < to)
    if (!isLost && !this.#client.received.has(serialOf(event)))
      this.#fault(`missing: ${JSON.stringify(event)} at ${number}/${offset}`)
  }

  #reading(number: number): Reading {
    const reading = this.#node.readings.get(number)
    if (reading === undefined) throw new RangeError(`no partition ${number}`)
    return reading
  }

  /** Where an event lies, under the newest of the numbers that it may come with. */
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

  /** Of a topic that was made again, or a log that was cut back, everything comes that there is, perhaps once more. */
  #forget({ partition, records }: Reading): void {
    for (const event of [...records, ...partition.records])
      if (event !== undefined) this.#client.received.delete(serialOf(event))
  }

  #fault(text: string): void {
    this.#client.fault(text)
  }

  /** No event of an item is older than what came before. */
  #order(event: MarketEvent, floor: number): void {
    if (event.T === 'n') return
    const item = itemOf(event)
    if ((this.#newest.get(item) ?? 0) > floor) this.#fault(`${JSON.stringify(event)} after something newer`)
    this.#newest.set(item, serialOf(event))
  }
}
