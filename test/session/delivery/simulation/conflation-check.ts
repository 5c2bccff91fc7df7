import type { Channel, MarketEvent } from '../../../../src/event/event.ts'
import type { MemoryRecord } from '../../../support/memory-log.ts'
import type { CoveredRange } from '../../../support/partition-runs.ts'
import type { Reading } from './simulated-feed.ts'
import { channelOf, itemOf, serialOf, type AcknowledgedSelection } from './acknowledged-selection.ts'

/** The deliveries of one conflated item in one partition. */
interface ItemState {
  readonly number: number
  readonly item: string
  /** Values from here on are due. */
  since: number
  /** Events before it are counted or were reported as replaced; `undefined` until a resume has ended. */
  counted: number | undefined
  /**
   * Events before it were delivered or replaced. Those from `counted` on may have been reported with another
   * channel.
   */
  delivered: number
  /** The serial number of the newest value. */
  value: number
  isRetired: boolean
  /** Only events that pass count. */
  passes: (event: MarketEvent) => boolean
}

/** The selection that applies to a partition from a position on, and the one that applied before. */
interface Beginning {
  readonly number: number
  readonly position: number
  readonly isCatchingUp: boolean
  readonly selection: AcknowledgedSelection
  readonly former: AcknowledgedSelection | undefined
}

export interface ConflationCheckParts {
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

/** The items that the simulation publishes, without news, which is never conflated. */
const items = ['trades/A', 'trades/B', 'trades/C', 'quotes/A', 'quotes/B', 'quotes/C']

/**
 * Accounts for each event of a conflated item: it comes, a later one replaces and counts it, or a range
 * reports it.
 */
export class ConflationCheck {
  readonly #readings: ReadonlyMap<number, Reading>
  readonly #fault: (text: string) => void
  readonly #isAtOnce: boolean
  readonly #lost: CoveredRange[] = []
  /** Of the snapshots. */
  #sinceSerial = 0
  /** By number and name. */
  readonly #states = new Map<string, ItemState>()

  constructor({ readings, isAtOnce, fault }: ConflationCheckParts) {
    this.#readings = readings
    this.#isAtOnce = isAtOnce
    this.#fault = fault
  }

  begin({ number, position, isCatchingUp, selection, former }: Beginning): void {
    for (const item of items) {
      const key = `${number} ${item}`
      if (!isConflated(selection, item)) continue
      const state = this.#states.get(key)
      if (former !== undefined && state !== undefined && isConflated(former, item))
        refilter(state, { position, selection, former })
      else
        this.#states.set(key, {
          number,
          item,
          since: position,
          counted: isCatchingUp ? undefined : position,
          delivered: position,
          value: 0,
          isRetired: false,
          passes: event => selection.passes(event),
        })
    }
  }

  /** The session no longer uses a number; its events may still come at the end of an interval. */
  retire(number: number): void {
    for (const state of this.#states.values()) if (state.number === number) state.isRetired = true
  }

  /** Items that left the selection are not due any more. */
  leave(selection: AcknowledgedSelection): void {
    for (const [key, { item }] of this.#states) if (!isConflated(selection, item)) this.#states.delete(key)
  }

  take({ number, offset, event, replaces }: ConflatedEvent): void {
    const name = `${number} ${itemOf(event)}`
    const state = this.#states.get(name)
    if (state?.counted === undefined) return this.#fault(`replayed: ${JSON.stringify(event)}`)
    const carried = this.#takeRetired(state)
    // A client that fell behind within an interval gets nothing under a number that was retired in it.
    const least = (this.#isAtOnce ? carried : 0) + this.#count(state, [state.counted, offset])
    const most = carried + this.#offsetsOf(state, [state.delivered, offset]).length
    if (offset < state.delivered)
      this.#fault(`${name} at ${offset}, but it was delivered up to ${state.delivered}`)
    else if (replaces < least || replaces > most)
      this.#fault(`${name} at ${offset} replaces ${replaces}, not ${least} to ${most}`)
    state.delivered = offset + 1
    state.counted = Math.max(state.counted, offset + 1)
    state.value = Math.max(state.value, serialOf(event))
  }

  /** At the end of an interval an item's newest event also replaces those under retired numbers. */
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

  /** A value in a snapshot. */
  takeValue(event: MarketEvent): void {
    for (const state of this.#states.values())
      if (state.item === itemOf(event)) state.value = Math.max(state.value, serialOf(event))
  }

  /** A snapshot may lack items without an event since then. */
  takeSince(serial: number): void {
    this.#sinceSerial = Math.max(this.#sinceSerial, serial)
  }

  /** A range is lost: its events need not be counted. */
  lose(range: CoveredRange): void {
    this.#lost.push(range)
  }

  /** The events of a range were replaced without being counted. */
  pass(range: CoveredRange): void {
    // With intervals each partition is read on its own, in any order.
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

  /** Live items count from their client's positions. */
  resumed(positionOf: (number: number) => number | undefined): void {
    for (const state of this.#states.values()) {
      if (state.counted !== undefined) continue
      state.counted = positionOf(state.number) ?? this.#reading(state.number).end
      state.delivered = state.counted
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

  #expectValue({ number, item, since, value, passes }: ItemState): void {
    const { records, end, missed } = this.#reading(number)
    const newest = records.findLast(
      (event, offset) =>
        offset >= since && offset < end && isOf(item, event, passes) && !isIn(missed, offset),
    )
    // The node may have read a newer one that was then cut off from the log.
    if (newest !== undefined && serialOf(newest) > value && serialOf(newest) >= this.#sinceSerial)
      this.#fault(`the value of ${number} ${item} is ${value}, not ${serialOf(newest)}`)
  }

  /** The number of an item's events in `[from, to)` that have to be counted. */
  #count(state: ItemState, range: readonly [from: number, to: number]): number {
    const lost = this.#lost.flatMap(([of, ...rest]) => (of === state.number ? [rest] : []))
    return this.#offsetsOf(state, range).filter(offset => !isIn(lost, offset)).length
  }

  #offsetsOf({ number, item, passes }: ItemState, [from, to]: readonly [from: number, to: number]): number[] {
    const { records } = this.#reading(number)
    const offsets: number[] = []
    for (let offset = from; offset < to; offset++)
      if (isOf(item, records[offset], passes)) offsets.push(offset)
    return offsets
  }

  #reading(number: number): Reading {
    const reading = this.#readings.get(number)
    if (reading === undefined) throw new RangeError(`no partition ${number}`)
    return reading
  }
}

function isOf(item: string, event: MemoryRecord, passes: ItemState['passes']): boolean {
  return event !== undefined && itemOf(event) === item && passes(event)
}

/**
 * Has another filter from a position on, if the filter has changed. What was still to come of the events
 * before need not be counted: the client gets the current value.
 */
function refilter(
  state: ItemState,
  {
    position,
    selection,
    former,
  }: Pick<Beginning, 'position' | 'selection'> & { readonly former: AcknowledgedSelection },
): void {
  if (selection.hasFilterOf(channelOf(state.item), former)) return
  state.passes = event => selection.passes(event)
  if (state.counted !== undefined) state.counted = Math.max(state.counted, position)
  state.since = Math.max(state.since, position)
}

function isIn(ranges: readonly (readonly [from: number, to: number])[], offset: number): boolean {
  return ranges.some(([from, to]) => from <= offset && offset < to)
}

function isConflated(selection: AcknowledgedSelection, item: string): boolean {
  const [channel = '', symbol = ''] = item.split('/')
  return selection.isConflated(channel as Channel) && selection.names(channel, symbol)
}
