import { vi } from 'vitest'
import { ActiveFilters } from '../../../src/feed/active-filters.ts'
import { Conflation, type ConflationOptions } from '../../../src/feed/interval-conflation/conflation.ts'
import { Selection } from '../../../src/feed/selection.ts'
import type { ConflationIntervalMs } from '../../../src/feed/interval-conflation/conflation-intervals.ts'
import type {
  ConflatedSubscriber,
  ConflatedMembership,
} from '../../../src/feed/interval-conflation/conflated-membership.ts'
import { type Filter, parseFilter } from '../../../src/filter/filter.ts'
import { LastValueCache } from '../../../src/feed/last-values/last-value-cache.ts'
import type { Payload } from '../../../src/wire/payload.ts'
import { JsonForm } from '../../../src/wire/json/json-form.ts'
import { TapeForm } from '../../../src/wire/tape/tape-form.ts'
import type { WireForm } from '../../../src/wire/wire-form.ts'
import { FormReader } from '../../support/form-reader.ts'

export type FormName = 'json' | 'tape'

/** An event as a client reads it. `bs` is its number among all events of the fixture. */
export interface DeliveredEvent {
  readonly T: string
  readonly S: string
  readonly bs: number
  readonly replaces?: number
}

/** A client that gets events at intervals. */
export class Member implements ConflatedSubscriber {
  readonly form: FormName
  readonly #reader = new FormReader()
  readonly frames: Payload[] = []
  /** How often it was offered frames, taken or not. */
  offers = 0
  isCongested = false
  membership: ConflatedMembership | undefined

  constructor(form: FormName = 'json') {
    this.form = form
  }

  offer(frames: readonly Payload[]): boolean {
    this.offers++
    if (this.isCongested) return false
    this.frames.push(...frames)
    return true
  }

  miss(): void {
    this.membership?.leave()
  }

  /** Returns the events that it got since the last call. */
  take(): DeliveredEvent[] {
    return this.frames
      .splice(0)
      .flatMap(frame => this.#reader.messagesOf(frame.bytes, frame.kind === 'binary'))
      .map(message => message as unknown as DeliveredEvent)
  }

  /** Returns them in short. */
  takeShort(): string[] {
    return this.take().map(({ S, bs, replaces = 0 }) => `${S} ${bs} for ${replaces + 1}`)
  }
}

/** What a client wants of the quotes: some symbols, and of these what passes a filter. */
export interface Wish {
  readonly names: readonly string[]
  readonly where?: object | undefined
}

/** A quote to come: its symbol, and its bid price unless that is 1. */
export type ComingQuote = string | { readonly S: string; readonly bp: number }

const noFilters = new Map()

/** Events and clients, on a clock that the test moves, with an event loop that waits for the test. */
export class ConflationFixture {
  readonly lastValues: LastValueCache
  readonly conflation: Conflation
  readonly filters = new ActiveFilters({ maxFilters: 100 })
  readonly #forms: Readonly<Record<FormName, WireForm>>
  readonly reached = [0]
  readonly #turns: (() => void)[] = []

  constructor({ maxItems = 100_000, ...options }: Partial<ConflationOptions> & { maxItems?: number } = {}) {
    this.lastValues = new LastValueCache({ maxItems })
    const json = new JsonForm()
    this.#forms = { json, tape: new TapeForm(this.lastValues.batch, json) }
    this.conflation = new Conflation({
      items: this.lastValues.items,
      progress: { reached: this.reached },
      nextTurn: work => this.#turns.push(work),
      ...options,
    })
    this.lastValues.items.useOf = item => (this.conflation.isUndelivered(item) ? 'untold' : 'none')
    this.lastValues.items.onForgotten = item => this.conflation.forget(item)
  }

  /** How far the log was read: the number of events. */
  get position(): number {
    return this.reached[0] ?? 0
  }

  join(intervalMs: ConflationIntervalMs, wish: Wish | readonly string[], member = new Member()): Member {
    const selection = this.#selectionOf(wish)
    const request = { subscriber: member, selection, form: this.#forms[member.form] }
    member.membership = this.conflation.join(intervalMs, request)
    return member
  }

  /** Moves a member to another membership. */
  move(member: Member, intervalMs: ConflationIntervalMs, wish: Wish | readonly string[]): void {
    const { membership } = member
    const undelivered = [membership?.undelivered() ?? []].flat()
    const form = this.#forms[member.form]
    const request = { subscriber: member, selection: this.#selectionOf(wish), form, undelivered }
    member.membership = this.conflation.join(intervalMs, request)
    membership?.leave()
  }

  /** Adds a batch of quotes of these symbols. */
  quote(...quotes: readonly ComingQuote[]): void {
    this.take(...quotes)
    this.lastValues.batch.reset()
    this.conflation.tidy()
  }

  /** Adds quotes to a batch that goes on. */
  take(...quotes: readonly ComingQuote[]): void {
    for (const [at, coming] of quotes.entries()) {
      const offset = this.position + at
      const { S, bp } = typeof coming === 'string' ? { S: coming, bp: 1 } : coming
      const quote = { T: 'q', S, bp, bs: offset, ap: 1, as: 1, t: '2026-01-02T14:30:00Z' } as const
      const index = this.lastValues.add(quote, { partition: 0, offset, writtenMs: 0 })
      this.conflation.mark(this.lastValues.batch, index, quote)
    }
    this.reached[0] = this.position + quotes.length
  }

  /** Runs one turn of the event loop. Returns false if nobody waits for it. */
  turn(): boolean {
    const work = this.#turns.shift()
    work?.()
    return work !== undefined
  }

  /** Lets time pass, and everything be delivered. */
  pass(ms: number): void {
    vi.advanceTimersByTime(ms)
    while (this.turn());
  }

  #selectionOf(wish: Wish | readonly string[]): Selection {
    const { names, where } = 'names' in wish ? wish : { names: wish }
    const symbols = names.includes('*') ? '*' : new Set(names)
    const filters = where === undefined ? noFilters : this.filters.exchange(noFilters, [filterOf(where)])
    if (typeof filters === 'string') throw new Error(`too many filters of the ${filters}`)
    return new Selection(new Map([['quotes', symbols]]), filters)
  }
}

function filterOf(where: object): Filter {
  const filter = parseFilter('quotes', where)
  if ('fault' in filter) throw new Error(filter.fault)
  return filter
}
