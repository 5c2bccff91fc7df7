import { measureRounds, type KafkaBench } from '../../lib/bench.ts'
import { caseTable, type Figure } from '../../lib/figure-tables.ts'
import { roundsOption } from '../../lib/options.ts'
import { kafkaScenario } from '../../lib/scenario.ts'
import { streamOptions } from '../../clients/wire-forms.ts'
import { type ConnectedPeer, connectClients, measureOnce, type OwnFigures } from '../delivery/comparison.ts'
import { startGatewayPeer } from '../delivery/peers/gateway-peer.ts'
import { lastClientSymbol, sameItems, type Workload } from '../delivery/workload.ts'
import { measureEvaluations } from './evaluation.ts'

/** Sessions with filters beside the same sessions without. */
export const filters = kafkaScenario({
  name: 'filters',
  summary: '500 sessions with one filter, with 20 different ones, and without; one evaluation',
  options: {
    rounds: roundsOption(5),
    seconds: { help: 'length of each phase, in seconds', default: 2, quick: 1, most: 60 },
    clients: { help: 'clients', default: 500, most: 5000 },
    batch: { help: 'events per batch', default: 4, most: 400 },
    ...streamOptions,
  },
  async measure({ rounds: count, seconds, clients, batch, form, tls }, bench) {
    const evaluation = measureEvaluations()
    const sides: [FilterCase, ConnectedPeer][] = []
    for (const own of filterCases(sameItems(clients))) {
      const { filters: where = [], refused = [] } = own
      const peer = await startGatewayPeer({ form, tls, profile: undefined, filters: where, refused }, bench)
      sides.push([own, await connectClients(peer, own.workload, bench)])
    }
    const options = { seconds, batch }
    await measureRound(sides, options, { ...bench, say: what => bench.say(`warm-up: ${what}`) })
    const rounds = await measureRounds(bench, count, own => measureRound(sides, options, own))
    const byCase = Map.groupBy(rounds.flat(), ({ name }) => name)
    const cases = [...byCase].map(([name, own]) => [[name], own] as const)
    return {
      notes,
      parts: [
        caseTable(`${clients} sessions, ${batch} events a batch`, { head: ['filters'], cases }, figures),
        evaluation.part,
      ],
      figures: { rounds, evaluation: evaluation.figures },
    }
  },
})

const groups = 20

interface FilterCase {
  readonly name: string
  /** The case that this one is compared with. */
  readonly base: string
  readonly workload: Workload
  readonly filters?: readonly object[]
  readonly refused?: readonly string[]
}

const all = 'none, all sessions alike'
const apart = 'none, in 20 audiences'

/** The same sessions and events; only the last case delivers less. */
function filterCases(workload: Workload): readonly FilterCase[] {
  const { lists, shared = [] } = workload
  const listed = (listOf: (list: readonly string[], group: number) => readonly string[]): Workload => ({
    ...workload,
    shared: undefined,
    lists: lists.map((list, index) => listOf(list, index % groups)),
  })
  const each = Array.from({ length: groups }, (_, group) => group)
  /** A quarter of the symbols. */
  const part = (group: number): string[] => shared.filter((_, index) => (index + group) % 4 === 0)
  return [
    { name: all, base: all, workload },
    { name: '1, passes all', base: all, workload, filters: [passesAll(0)] },
    { name: apart, base: apart, workload: listed((list, group) => [...list, `ONLY${group}`]) },
    { name: '20, pass all', base: apart, workload, filters: each.map(passesAll) },
    {
      name: '20, pass a quarter',
      base: apart,
      // The last client's filter lets these symbols through, too.
      workload: listed((list, group) => [...list.filter(symbol => !shared.includes(symbol)), ...part(group)]),
      filters: each.map(group => ({
        S: { in: [...part(group), lastClientSymbol] },
        ...passesAll(group),
      })),
      refused: shared,
    },
  ]
}

/** Two comparisons, which every trade passes. */
function passesAll(group: number): object {
  return { s: { gte: 1 }, p: { gt: group / 1000 } }
}

interface CaseFigures extends OwnFigures {
  readonly name: string
  /** CPU of a batch, reading included. */
  readonly batchUs: number
  /** To the case that it is compared with, in the same round. */
  readonly fanoutToBase: number
  readonly batchToBase: number
}

async function measureRound(
  sides: readonly (readonly [FilterCase, ConnectedPeer])[],
  { seconds, batch }: { readonly seconds: number; readonly batch: number },
  { say, signal }: Pick<KafkaBench, 'say' | 'signal'>,
): Promise<CaseFigures[]> {
  const measured: Omit<CaseFigures & FilterCase, 'workload' | 'fanoutToBase' | 'batchToBase'>[] = []
  for (const [{ name, base }, connected] of sides) {
    signal.throwIfAborted()
    say(name)
    const own = await measureOnce(connected, { seconds, usPerDelivery: 0 }, batch)
    measured.push({ ...own, name, base, batchUs: (own.wholeUs * own.deliveries) / own.batches })
  }
  return measured.map(({ base, ...own }) => {
    const other = measured.find(({ name }) => name === base) ?? own
    const fanoutToBase = own.fanoutUs / other.fanoutUs
    return { ...own, fanoutToBase, batchToBase: own.batchUs / other.batchUs }
  })
}

const figures: readonly Figure<CaseFigures>[] = [
  ['CPU, µs a delivery', own => own.fanoutUs, 3],
  ['÷ none', own => own.fanoutToBase, 2],
  ['CPU, µs a batch, with reading', own => own.batchUs, 0],
  ['÷ none', own => own.batchToBase, 2],
  ['deliveries a frame', own => own.eventsPerFrame, 2],
  ['bytes a delivery', own => own.bytes, 0],
  ['p50 ms', own => own.p50Ms, 2],
  ['p99 ms', own => own.p99Ms, 1],
  ['server core', own => own.serverShare, '%'],
]

const notes: readonly string[] = [
  'Held constant: the sessions, their 20 symbols, the events, the batches and their pace. Each case has a',
  'gateway of its own; they are measured in turn, after a round that is thrown away. All but the last case make',
  'the same deliveries. "1" is compared with sessions that all share one audience; "20" with sessions that are in',
  '20 audiences by symbols that never come, so that the same frames are built. Server CPU is all of the process,',
  'kernel included; per delivery, the CPU of the same batches without subscribers is taken off.',
]
