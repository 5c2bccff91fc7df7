import type { Channel, MarketEvent } from '../../../src/event/event.ts'
import type { MemoryRecord } from '../../support/memory-log.ts'
import type { Reading } from './gateway-node.ts'
import { itemOf, serialOf, type Told } from './told.ts'

/** What a client has been told of one conflated item in one partition. */
interface ItemState {
  readonly number: number
  readonly item: string
  /** Values from here on are due. */
  readonly since: number
  /** Events before it are counted, or were told as replaced; `undefined` while it is not stated what is to be counted. */
  counted: number | undefined
  /** Events before it are counted. What lies between may be counted, though it was told as replaced with other channels. */
  told: number
  /** The serial number of the newest value. */
  value: number
  isRetired: boolean
}

type Range = readonly [number: number, from: number, to: number]

/** What is wanted of a partition from a position on, and what was wanted of it before. */
interface Beginning {
  readonly number: number
  readonly position: number
  readonly isCatchingUp: boolean
  readonly told: Told
  readonly former: Told | undefined
}

export interface ConflatedItemsParts {
  readonly readings: ReadonlyMap<number, Reading>
  /** Whether no interval was asked for. */
  readonly isAtOnce: boolean
  readonly fault: (text: string) => void
}

interface ConflatedEvent {
  readonly number: number
  readonly offset: number
  readonly event: MarketEvent
  readonly replaces: number
}

/** The items that tests publish, but for news, which is never conflated. */
const items = ['trades/A', 'trades/B', 'trades/C', 'quotes/A', 'quotes/B', 'quotes/C']

/** Counts the events of conflated items: every one comes, is replaced by one that says so, or lies in a range that was told. */
export class ConflatedItems {
  readonly #readings: ReadonlyMap<number, Reading>
  readonly #fault: (text: string) => void
  readonly #isAtOnce: boolean
  readonly #lost: Range[] = []
  /** Of the snapshots. */
  #sinceSerial = 0
  /** By number and name. */
  readonly #states = new Map<string, ItemState>()

  constructor({ readings, isAtOnce, fault }: ConflatedItemsParts) {
    this.#readings = readings
    this.#isAtOnce = isAtOnce
    this.#fault = fault
  }

  begin({ number, position, isCatchingUp, told, former }: Beginning): void {
    for (const item of items) {
      const key = `${number} ${item}`
      if (isConflated(told, item) && (former === undefined || !isConflated(former, item)))
        this.#states.set(key, {
          number,
          item,
          since: position,
          counted: isCatchingUp ? undefined : position,
          told: position,
          value: 0,
          isRetired: false,
        })
    }
  }

  /** A number stands for nothing any more; at the end of an interval events of it may still come. */
  retire(number: number): void {
    for (const state of this.#states.values()) if (state.number === number) state.isRetired = true
  }

  /** What is not wanted any more is not due. */
  leave(told: Told): void {
    for (const [key, { item }] of this.#states) if (!isConflated(told, item)) this.#states.delete(key)
  }

  take({ number, offset, event, replaces }: ConflatedEvent): void {
    const name = `${number} ${itemOf(event)}`
    const state = this.#states.get(name)
    if (state?.counted === undefined) return this.#fault(`replayed: ${JSON.stringify(event)}`)
    const carried = this.#takeRetired(state)
    // A client that has fallen behind within an interval is not told of a number that was retired in it.
    const least = (this.#isAtOnce ? carried : 0) + this.#count(state, [state.counted, offset])
    const most = carried + this.#offsetsOf(state, [state.told, offset]).length
    if (offset < state.told) this.#fault(`${name} at ${offset}, but told to ${state.told}`)
    else if (replaces < least || replaces > most)
      this.#fault(`${name} at ${offset} replaces ${replaces}, not ${least} to ${most}`)
    state.told = offset + 1
    state.counted = Math.max(state.counted, offset + 1)
    state.value = Math.max(state.value, serialOf(event))
  }

  /** At the end of an interval the newest event of an item also stands for those under a number that has been retired. */
  #takeRetired({ number, item }: ItemState): number {
    let events = 0
    for (const state of this.#states.values()) {
      if (!state.isRetired || state.number >= number || state.item !== item) continue
      if (state.counted === undefined) continue
      const { end } = this.#reading(state.number)
      events += this.#count(state, [state.counted, end])
      state.counted = Math.max(state.counted, end)
    }
    return events
  }

  /** Of a snapshot. */
  takeValue(event: MarketEvent): void {
    for (const state of this.#states.values())
      if (state.item === itemOf(event)) state.value = Math.max(state.value, serialOf(event))
  }

  /** A snapshot may lack what had no event since. */
  takeSince(serial: number): void {
    this.#sinceSerial = Math.max(this.#sinceSerial, serial)
  }

  /** Nothing of a range need be counted: nobody gets it. */
  lose(range: Range): void {
    this.#lost.push(range)
  }

  /** Nothing of a range is counted. */
  pass(range: Range): void {
    // Of several intervals each is read on its own, in any order.
    if (!this.#isAtOnce) return this.lose(range)
    const [of, from, to] = range
    for (const state of this.#states.values()) {
      const { number, item, counted } = state
      if (number !== of || counted === undefined) continue
      const before = this.#count(state, [counted, from])
      if (before > 0) this.#fault(`${before} events of ${number} ${item} before ${from} were passed over`)
      state.counted = Math.max(counted, to)
    }
  }

  /** What is live counts from where its client is. */
  resumed(positionOf: (number: number) => number | undefined): void {
    for (const state of this.#states.values()) {
      if (state.counted !== undefined) continue
      state.counted = positionOf(state.number) ?? this.#reading(state.number).end
      state.told = state.counted
    }
  }

  expectEnd(): void {
    for (const state of this.#states.values()) {
      if (!state.isRetired || this.#isAtOnce) this.#expectCounted(state)
      if (!state.isRetired) this.#expectValue(state)
    }
  }

  #expectCounted(state: ItemState): void {
    const { number, item, counted } = state
    if (counted === undefined) return
    const left = this.#count(state, [counted, this.#reading(number).end])
    if (left > 0) this.#fault(`${left} events of ${number} ${item} from ${counted} on did not come`)
  }

  #expectValue({ number, item, since, value }: ItemState): void {
    const { records, end, missed } = this.#reading(number)
    const newest = records.findLast(
      (event, offset) => offset >= since && offset < end && isOf(item, event) && !isIn(missed, offset),
    )
    // A newer one was cut off from the log, but the node has read it.
    if (newest !== undefined && serialOf(newest) > value && serialOf(newest) >= this.#sinceSerial)
      this.#fault(`the value of ${number} ${item} is ${value}, not ${serialOf(newest)}`)
  }

  /** How many events of an item lie in `[from, to)`, but for those that need not be counted. */
  #count(state: ItemState, range: readonly [from: number, to: number]): number {
    const lost = this.#lost.flatMap(([of, ...rest]) => (of === state.number ? [rest] : []))
    return this.#offsetsOf(state, range).filter(offset => !isIn(lost, offset)).length
  }

  #offsetsOf({ number, item }: ItemState, [from, to]: readonly [from: number, to: number]): number[] {
    const { records } = this.#reading(number)
    const offsets: number[] = []
    for (let offset = from; offset < to; offset++) if (isOf(item, records[offset])) offsets.push(offset)
    return offsets
  }

  #reading(number: number): Reading {
    const reading = this.#readings.get(number)
    if (reading === undefined) throw new RangeError(`no partition ${number}`)
    return reading
  }
}

function isOf(item: string, event: MemoryRecord): boolean {
  return event !== undefined && itemOf(event) === item
}

function isIn(ranges: readonly (readonly [from: number, to: number])[], offset: number): boolean {
  return ranges.some(([from, to]) => from <= offset && offset < to)
}

function isConflated(told: Told, item: string): boolean {
  const [channel = '', symbol = ''] = item.split('/')
  return told.isConflated(channel as Channel) && told.names(channel, symbol)
}
