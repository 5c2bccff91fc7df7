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
  /** Events before it are counted; `undefined` while it is not stated what is to be counted. */
  counted: number | undefined
  /** The serial number of the newest value. */
  value: number
}

/** What is wanted of a partition from a position on, and what was wanted of it before. */
interface Beginning {
  readonly number: number
  readonly position: number
  readonly isCatchingUp: boolean
  readonly told: Told
  readonly former: Told | undefined
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
  /** By number and name. */
  readonly #states = new Map<string, ItemState>()

  constructor(readings: ReadonlyMap<number, Reading>, fault: (text: string) => void) {
    this.#readings = readings
    this.#fault = fault
  }

  begin({ number, position, isCatchingUp, told, former }: Beginning): void {
    for (const item of items) {
      const key = `${number} ${item}`
      if (!isConflated(told, item)) this.#states.delete(key)
      else if (former === undefined || !isConflated(former, item))
        this.#states.set(key, {
          number,
          item,
          since: position,
          counted: isCatchingUp ? undefined : position,
          value: 0,
        })
    }
  }

  /** A number stands for nothing any more. */
  retire(number: number): void {
    for (const [key, state] of this.#states) {
      if (state.number !== number) continue
      this.#expectCounted(state)
      this.#states.delete(key)
    }
  }

  take({ number, offset, event, replaces }: ConflatedEvent): void {
    const name = `${number} ${itemOf(event)}`
    const state = this.#states.get(name)
    if (state?.counted === undefined) return this.#fault(`replayed: ${JSON.stringify(event)}`)
    const replaced = this.#count(state, [state.counted, offset])
    if (offset < state.counted) this.#fault(`${name} at ${offset}, but counted to ${state.counted}`)
    else if (replaced !== replaces) this.#fault(`${name} at ${offset} replaces ${replaces}, not ${replaced}`)
    state.counted = offset + 1
    state.value = Math.max(state.value, serialOf(event))
  }

  /** Of a snapshot. */
  takeValue(event: MarketEvent): void {
    for (const state of this.#states.values())
      if (state.item === itemOf(event)) state.value = Math.max(state.value, serialOf(event))
  }

  /** Nothing of a range is counted. */
  pass([of, from, to]: readonly [number: number, from: number, to: number]): void {
    for (const state of this.#states.values()) {
      const { number, item, counted } = state
      if (number !== of || counted === undefined) continue
      const before = this.#count(state, [counted, from])
      if (before > 0) this.#fault(`${before} events of ${number} ${item} before ${from} were passed over`)
      state.counted = Math.max(counted, to)
    }
  }

  /** What is live counts from where its client is. */
  resumed(positionOf: (number: number) => number): void {
    for (const state of this.#states.values()) state.counted ??= positionOf(state.number)
  }

  expectEnd(): void {
    for (const state of this.#states.values()) {
      this.#expectCounted(state)
      this.#expectValue(state)
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
    if (newest !== undefined && serialOf(newest) > value)
      this.#fault(`the value of ${number} ${item} is ${value}, not ${serialOf(newest)}`)
  }

  /** How many events of an item lie in `[from, to)`. */
  #count({ number, item }: ItemState, [from, to]: readonly [from: number, to: number]): number {
    const between = this.#reading(number).records.slice(from, Math.max(from, to))
    return between.filter(event => isOf(item, event)).length
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
