import fc from 'fast-check'
import { expect, vi } from 'vitest'
import type { ConflationIntervalMs } from '../../../src/feed/interval-conflation/conflation-intervals.ts'
import {
  type ComingQuote,
  ConflationFixture,
  type FormName,
  Member,
  type Wish,
} from './conflation-fixture.ts'

const symbols = ['A', 'B', 'C', 'D', 'E', 'F']

type Quote = Exclude<ComingQuote, string>

/** A filter, and the same as a function that nothing of ours evaluates. */
interface ModelFilter {
  readonly where: object | undefined
  readonly passes: (quote: Quote) => boolean
}

const filters: readonly ModelFilter[] = [
  { where: undefined, passes: () => true },
  { where: { bp: { gte: 3 } }, passes: ({ bp }) => bp >= 3 },
  { where: { bp: { lt: 3 } }, passes: ({ bp }) => bp < 3 },
  {
    where: { any: [{ bp: { eq: 1 } }, { S: { in: ['A', 'F'] } }] },
    passes: ({ S, bp }) => bp === 1 || 'AF'.includes(S),
  },
  { where: { bp: { gt: 9 } }, passes: () => false },
]

/** A client that counts the events it got of each item, and keeps the newest. */
class CountingMember extends Member {
  /** The symbols that it selects, and since which offset. */
  #since = new Map<string, number>()
  readonly events = new Map<string, number>()
  readonly newest = new Map<string, number>()
  readonly faults: string[] = []
  filter: ModelFilter | undefined
  hasLeft = false

  /** Selects these names from now on. A symbol that it selected before with the same filter goes on. */
  want({ names, filter }: ModelWish, offset: number): void {
    const wanted = symbols.filter(symbol => names.includes('*') || names.includes(symbol))
    const isOther = filter !== this.filter
    if (isOther) this.#since.clear()
    this.filter = filter
    for (const symbol of symbols) {
      if (wanted.includes(symbol) && !isOther) continue
      this.events.delete(symbol)
      this.newest.delete(symbol)
    }
    this.#since = new Map(wanted.map(symbol => [symbol, this.#since.get(symbol) ?? offset]))
  }

  sinceOf(symbol: string): number {
    return this.#since.get(symbol) ?? Infinity
  }

  leave(): void {
    this.membership!.leave()
    this.hasLeft = true
  }

  override miss(): void {
    super.miss()
    this.hasLeft = true
  }

  override offer(...frames: Parameters<Member['offer']>): boolean {
    if (this.hasLeft) this.faults.push('offered something after it had left')
    const isTaken = super.offer(...frames)
    this.hasLeft ||= !isTaken
    this.#read()
    return isTaken
  }

  /** Reads what came: nothing that it does not select, and nothing that is not newer than what it has. */
  #read(): void {
    for (const { S, bs, replaces = 0 } of this.take()) {
      if (replaces < 0 || bs <= (this.newest.get(S) ?? this.sinceOf(S) - 1)) this.faults.push(`${S} ${bs}`)
      this.newest.set(S, bs)
      this.events.set(S, (this.events.get(S) ?? 0) + 1 + replaces)
    }
  }
}

/** Checks what a member must have got, given all events in order. */
function check(member: CountingMember, log: readonly Quote[]): void {
  expect(member.faults).toEqual([])
  const { positions, isComplete } = member.membership!.delivered
  const to = positions[0] ?? 0
  for (const symbol of symbols) {
    const since = member.sinceOf(symbol)
    const offsets = [...log.keys()].filter(offset => {
      const quote = log[offset]!
      return offset >= since && offset < to && quote.S === symbol && member.filter!.passes(quote)
    })
    if (isComplete) {
      expect([symbol, member.events.get(symbol) ?? 0]).toEqual([symbol, offsets.length])
      expect([symbol, member.newest.get(symbol)]).toEqual([symbol, offsets.at(-1)])
    } else {
      expect(member.events.get(symbol) ?? 0).toBeLessThanOrEqual(offsets.length)
    }
  }
}

interface ModelWish {
  readonly names: readonly string[]
  readonly filter: ModelFilter
}

const membershipRequest = {
  filter: fc.constantFrom(...filters),
  names: fc.constantFrom(['*'], ['A'], ['A', 'B', 'C'], ['B', 'F'], [...symbols, 'NONE']),
  intervalMs: fc.constantFrom<ConflationIntervalMs>(100, 250),
}
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('quotes' as const),
      quotes: fc.array(fc.record({ S: fc.constantFrom(...symbols), bp: fc.integer({ min: 1, max: 4 }) }), {
        maxLength: 8,
      }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('join' as const),
      form: fc.constantFrom<FormName>('json', 'tape'),
      ...membershipRequest,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('move' as const),
      member: fc.nat(),
      keepsFilter: fc.boolean(),
      ...membershipRequest,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('leave' as const), member: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('congest' as const), member: fc.nat() }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(180) }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
)

/**
 * Runs random lists of steps of members, in both wire forms: every member gets each selected event once,
 * itself or as replaced, and none that its filter excludes. The caller fakes the timers. Returns the seed and
 * the shortest failing list, or undefined.
 */
export function findFailingMembers(runs: number): string | undefined {
  const property = fc.property(
    fc.array(step, { minLength: 10, maxLength: 80 }),
    fc.constantFrom(1, 3, 250),
    fc.constantFrom(1, 1100, 1250, 1_048_576),
    fc.constantFrom(1, 2, 3, 4, 5, 6, 100),
    fc.constantFrom(1, 300, 1_000_000),
    (steps, writesPerTurn, maxIntervalBytes, maxItems, maxKeptBytes) => {
      // Of a run that failed.
      vi.clearAllTimers()
      const fixture = new ConflationFixture({ writesPerTurn, maxIntervalBytes, maxItems, maxKeptBytes })
      const log: Quote[] = []
      const members: CountingMember[] = []
      for (const one of steps) {
        if (one.kind === 'quotes') {
          fixture.quote(...one.quotes)
          log.push(...one.quotes)
        } else if (one.kind === 'join') {
          const member = new CountingMember(one.form)
          members.push(member)
          member.want(one, fixture.position)
          fixture.join(one.intervalMs, wishOf(one), member)
        } else if (one.kind === 'pass') vi.advanceTimersByTime(one.ms)
        else if (one.kind === 'turn') fixture.turn()
        else if (members.length > 0) {
          const member = members[one.member % members.length]!
          if (one.kind === 'congest') member.isCongested = true
          else if (one.kind === 'leave') member.leave()
          else if (!member.hasLeft) {
            const { names, intervalMs } = one
            const wish = { names, filter: one.keepsFilter ? member.filter! : one.filter }
            member.want(wish, fixture.position)
            fixture.move(member, intervalMs, wishOf(wish))
          }
        }
        for (const member of members) check(member, log)
      }
      for (let tick = 0; tick < 20; tick++) fixture.pass(250)
      const { position } = fixture
      for (const member of members) {
        check(member, log)
        const delivered = member.membership!.leave()
        if (!member.hasLeft) expect(delivered).toEqual({ positions: [position], isComplete: true })
      }
      expect(vi.getTimerCount()).toBe(0)
      expect([...fixture.conflation.audienceCounts.values()]).toEqual(Array(10).fill(0))
    },
  )
  return fc.defaultReportMessage(fc.check(property, { numRuns: runs }))
}

function wishOf({ names, filter: { where } }: ModelWish): Wish {
  return { names, where }
}
