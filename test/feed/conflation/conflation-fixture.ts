import { vi } from 'vitest'
import type { Channel } from '../../../src/event/event.ts'
import { Conflation, type ConflationOptions } from '../../../src/feed/conflation/conflation.ts'
import type { Selection } from '../../../src/feed/selection.ts'
import type { ConflationIntervalMs } from '../../../src/feed/conflation/conflation-intervals.ts'
import type {
  ConflatedSubscriber,
  ConflatedMembership,
} from '../../../src/feed/conflation/conflated-membership.ts'
import { LastValueCache } from '../../../src/feed/last-values/last-value-cache.ts'
import type { PreparedFrame } from '../../../src/wire/prepared-frame.ts'
import { JsonForm } from '../../../src/wire/json/json-form.ts'

const jsonForm = new JsonForm()

/** An event as a client reads it; `bs` is its number among all events of the stage. */
export interface Told {
  readonly T: string
  readonly S: string
  readonly bs: number
  readonly replaces?: number
}

/** A client that is told at an interval. */
export class Member implements ConflatedSubscriber {
  readonly blocks: PreparedFrame[] = []
  /** What it was offered, also what it did not take. */
  offers = 0
  isCongested = false
  seat: ConflatedMembership | undefined

  offer(blocks: readonly PreparedFrame[]): boolean {
    this.offers++
    if (this.isCongested) return false
    this.blocks.push(...blocks)
    return true
  }

  miss(): void {
    this.seat?.leave()
  }

  /** What it was told since the last call. */
  take(): Told[] {
    return this.blocks.splice(0).flatMap(block => JSON.parse(block.payload.toString()) as Told[])
  }

  /** The same, in short. */
  takeShort(): string[] {
    return this.take().map(({ S, bs, replaces = 0 }) => `${S} ${bs} for ${replaces + 1}`)
  }
}

function interestOf(names: readonly string[]): Selection {
  return new Map<Channel, '*' | ReadonlySet<string>>([['quotes', names.includes('*') ? '*' : new Set(names)]])
}

/** Events and clients, on a clock that stands until the test moves it, and an event loop that waits for the test. */
export class ConflationFixture {
  readonly lastValues: LastValueCache
  readonly conflation: Conflation
  readonly reached = [0]
  readonly #turns: (() => void)[] = []

  constructor({ maxItems = 100_000, ...options }: Partial<ConflationOptions> & { maxItems?: number } = {}) {
    this.lastValues = new LastValueCache({ maxItems })
    this.conflation = new Conflation({
      items: this.lastValues.items,
      progress: { reached: this.reached },
      nextTurn: work => this.#turns.push(work),
      ...options,
    })
    this.lastValues.items.claimOf = item => (this.conflation.isUndelivered(item) ? 'untold' : 'none')
    this.lastValues.items.onForgotten = item => this.conflation.forget(item)
  }

  /** How far the log was read: how many events there were. */
  get position(): number {
    return this.reached[0] ?? 0
  }

  join(intervalMs: ConflationIntervalMs, names: readonly string[], member = new Member()): Member {
    const wish = { subscriber: member, selection: interestOf(names), form: jsonForm }
    member.seat = this.conflation.join(intervalMs, wish)
    return member
  }

  /** Puts a member on another seat. */
  move(member: Member, intervalMs: ConflationIntervalMs, names: readonly string[]): void {
    const { seat } = member
    const undelivered = seat?.undelivered() ?? new Map()
    const wish = { subscriber: member, selection: interestOf(names), form: jsonForm, undelivered }
    member.seat = this.conflation.join(intervalMs, wish)
    seat?.leave()
  }

  /** A batch of quotes of these symbols. */
  quote(...symbols: readonly string[]): void {
    this.take(...symbols)
    this.lastValues.batch.reset()
    this.conflation.tidy()
  }

  /** Some of a batch that goes on. */
  take(...symbols: readonly string[]): void {
    for (const [at, S] of symbols.entries()) {
      const offset = this.position + at
      const quote = { T: 'q', S, bp: 1, bs: offset, ap: 1, as: 1, t: '2026-01-02T14:30:00Z' } as const
      const index = this.lastValues.add(quote, { partition: 0, offset, writtenMs: 0 })
      this.conflation.mark(this.lastValues.batch.items[index] ?? 0)
    }
    this.reached[0] = this.position + symbols.length
  }

  /** Lets the event loop come round once; false if nobody waits for it. */
  turn(): boolean {
    const work = this.#turns.shift()
    work?.()
    return work !== undefined
  }

  /** Lets time pass, and everyone be told. */
  pass(ms: number): void {
    vi.advanceTimersByTime(ms)
    while (this.turn());
  }
}
