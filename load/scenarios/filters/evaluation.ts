import { ownCpuUs } from '../../lib/clocks.ts'
import { caseTable } from '../../lib/figure-tables.ts'
import type { ReportPart } from '../../lib/report.ts'
import type { Channel, MarketEvent } from '../../../src/event/event.ts'
import { ActiveFilters } from '../../../src/feed/active-filters.ts'
import { maxFilterNodes } from '../../../src/filter/parse-expression.ts'
import { parseFilter } from '../../../src/filter/filter.ts'
import { generateTape } from '../../../test/support/tape.ts'

interface EvaluationCase {
  readonly name: string
  readonly channel: Channel
  readonly filter: object
  /** Of the market, the events that are evaluated. */
  readonly isOf?: (event: MarketEvent) => boolean
}

const isCrypto = (event: MarketEvent): boolean => event.T === 't' && event.S.includes('/')
const words = (count: number): string[] => Array.from({ length: count }, (_, index) => `W${index}`)

const cases: readonly EvaluationCase[] = [
  { name: 's ≥ 100', channel: 'trades', filter: { s: { gte: 100 } } },
  { name: 'x in 3 exchanges', channel: 'trades', filter: { x: { in: ['N', 'Q', 'V'] } } },
  { name: 'c has none of 2', channel: 'trades', filter: { c: { hasNone: ['I', 'T'] } } },
  { name: 'notional ≥ 100000', channel: 'trades', filter: { notional: { gte: 100_000 } } },
  {
    name: 'notional ≥ 100, of crypto (8 digits)',
    channel: 'trades',
    filter: { notional: { gte: 100 } },
    isOf: isCrypto,
  },
  { name: 'spread ≤ 0.02', channel: 'quotes', filter: { spread: { lte: 0.02 } } },
  {
    name: 'bx in 2, spread ≤ 0.02, mid > 10',
    channel: 'quotes',
    filter: { bx: { in: ['Q', 'V'] }, spread: { lte: 0.02 }, mid: { gt: 10 } },
  },
  {
    name: `${maxFilterNodes} nodes, each evaluated`,
    channel: 'trades',
    filter: {
      any: words(maxFilterNodes - 1).map(word => ({ c: { hasAny: [word, ...words(4)] } })),
    },
  },
]

const warmUpMs = 200
const measuredMs = 500

/** How long it takes to evaluate a filter, in this process. */
export function measureEvaluations(): { readonly part: ReportPart; readonly figures: object } {
  const market = generateTape({ seed: 3, events: 60_000 })
  const measured = cases.map(own => ({ name: own.name, ...measure(own, market) }))
  return {
    part: caseTable(
      'One evaluation, in this process',
      { head: ['filter'], cases: measured.map(own => [[own.name], [own]]) },
      [
        ['ns', own => own.ns, 0],
        ['ns, counted and sampled', own => own.countedNs, 0],
        ['passes', own => own.share, '%'],
      ],
    ),
    figures: measured,
  }
}

interface Evaluation {
  readonly ns: number
  /** As the gateway does it: with the counts of all evaluations. */
  readonly countedNs: number
  /** Of the events, those that pass. */
  readonly share: number
}

function measure(
  { channel, filter, isOf = () => true }: EvaluationCase,
  market: readonly MarketEvent[],
): Evaluation {
  const parsed = parseFilter(channel, filter)
  if ('fault' in parsed) throw new Error(parsed.fault)
  const type = channel === 'trades' ? 't' : 'q'
  const events = market.filter(event => event.T === type && isOf(event))
  const filters = new ActiveFilters({ maxFilters: 1 }).exchange(new Map(), [parsed])
  const inUse = (typeof filters === 'string' ? undefined : filters.get(channel)) ?? parsed
  const plain = nsOf(events, event => parsed.matches(event))
  const counted = nsOf(events, event => inUse.matches(event))
  return { ns: plain.ns, countedNs: counted.ns, share: plain.share }
}

/** Counts the CPU of this process, after a run that is thrown away. */
function nsOf(events: readonly MarketEvent[], passes: (event: MarketEvent) => boolean) {
  evaluate(events, passes, warmUpMs)
  const beforeUs = ownCpuUs()
  const { evaluations, passed } = evaluate(events, passes, measuredMs)
  return { ns: ((ownCpuUs() - beforeUs) * 1000) / evaluations, share: passed / evaluations }
}

function evaluate(events: readonly MarketEvent[], passes: (event: MarketEvent) => boolean, forMs: number) {
  const endMs = performance.now() + forMs
  let rounds = 0
  let passed = 0
  while (performance.now() < endMs) {
    rounds++
    for (const event of events) if (passes(event)) passed++
  }
  return { evaluations: rounds * events.length, passed }
}
