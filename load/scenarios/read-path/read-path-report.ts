import { caseTable } from '../../lib/figure-tables.ts'
import type { ReportPart } from '../../lib/report.ts'
import { sumOf } from '../../lib/statistics.ts'
import type { GatewayReader } from './gateway-reader.ts'
import type { KafkajsReader } from './kafkajs-reader.ts'

/** What the gateway does with a record, in this order. */
const stages = [
  ['fetch', 'fetch: request, socket, answer'],
  ['decode', 'decode: batches, checksums, records'],
  ['validate', 'validate: JSON to an event, checked'],
  ['encode', 'encode: records, last event, fan-out mark'],
] as const

/** Every way to read, once. */
export interface ReadRound {
  readonly ours: Awaited<ReturnType<GatewayReader['read']>>
  readonly aside: Awaited<ReturnType<GatewayReader['readAside']>>
  readonly byFetch: KafkajsUs
  readonly byGroup: KafkajsUs
  readonly decoder: KafkajsUs
}

type KafkajsUs = Awaited<ReturnType<KafkajsReader['readByFetch']>>

/** A row: its name, and how its figure is read from a round. */
type Row<Value> = readonly [name: string, read: (round: ReadRound) => Value]

const stageRows: readonly Row<number>[] = [
  ...stages.map(([stage, name]) => [name, ({ ours }: ReadRound) => ours[stage]] as const),
  ['**all**', round => allUs(round)],
  ['aside: validate where no event looks like another', ({ aside }) => aside.unfamiliar],
  ['aside: of that, UTF-8 and `JSON.parse`', ({ aside }) => aside.parse],
]

const kafkajsRows: readonly Row<KafkajsUs>[] = [
  ['`broker.fetch`', ({ byFetch }) => byFetch],
  ['group, `eachBatch`', ({ byGroup }) => byGroup],
  ['its decoder alone, bytes in memory', ({ decoder }) => decoder],
]

/** The gateway's µs, and kafkajs' that they are compared with, by the way it reads. */
interface Ratio {
  readonly ours: number
  readonly theirs: (kafkajs: KafkajsUs) => number
}

const ratioRows: readonly Row<Ratio>[] = [
  ['fetch + decode ÷ fetch + decode', ({ ours }) => ({ ours: ours.fetch + ours.decode, theirs: decodeUs })],
  [
    '**fetch + decode + validate** ÷ fetch + decode + `JSON.parse`',
    ({ ours }) => ({ ours: ours.fetch + ours.decode + ours.validate, theirs: bothUs }),
  ],
  [
    'the same with `JSON.parse` alone on both sides',
    ({ ours, aside }) => ({ ours: ours.fetch + ours.decode + aside.parse, theirs: bothUs }),
  ],
  ['all ÷ fetch + decode + `JSON.parse`', round => ({ ours: allUs(round), theirs: bothUs })],
]

const stageRatioRows: readonly Row<number>[] = [
  ['decode ÷ kafkajs’ decoder alone', ({ ours, decoder }) => ours.decode / decoder.decode],
  ['validate ÷ where no event looks like another', ({ ours, aside }) => ours.validate / aside.unfamiliar],
]

export function readPathParts(compression: string, rounds: readonly ReadRound[]): ReportPart[] {
  const byStage = casesOf(stageRows, rounds, (us, round) => ({
    us: us / round.ours.events,
    share: us / allUs(round),
  }))
  const kafkajs = casesOf(kafkajsRows, rounds, us => us)
  const ratios = casesOf(ratioRows, rounds, ({ ours, theirs }, { byFetch, byGroup }) => {
    return { toFetch: ours / theirs(byFetch), toGroup: ours / theirs(byGroup) }
  })
  const own = casesOf(stageRatioRows, rounds, ratio => ({ toFetch: ratio, toGroup: Number.NaN }))
  return [
    caseTable(`Compression ${compression}`, { head: ['the gateway, stage by stage'], cases: byStage }, [
      ['µs an event', ({ us }) => us, 2],
      ['share', ({ share }) => share, '%'],
    ]),
    caseTable(`Compression ${compression}, kafkajs`, { head: ['kafkajs, µs an event'], cases: kafkajs }, [
      ['fetch and decode', us => decodeUs(us) / us.events, 2],
      ['JSON.parse', us => us.parse / us.events, 2],
      ['both', us => bothUs(us) / us.events, 2],
    ]),
    caseTable(
      `Compression ${compression}, ratios`,
      { head: ['the gateway ÷ kafkajs'], cases: [...own, ...ratios] },
      [
        ['`broker.fetch`', ({ toFetch }) => toFetch, 2],
        ['group', ({ toGroup }) => toGroup, 2],
      ],
    ),
  ]
}

function casesOf<Value, Shown>(
  rows: readonly Row<Value>[],
  rounds: readonly ReadRound[],
  show: (value: Value, round: ReadRound) => Shown,
) {
  return rows.map(([name, read]) => [[name], rounds.map(round => show(read(round), round))] as const)
}

function allUs({ ours }: ReadRound): number {
  return sumOf(stages, ([stage]) => ours[stage])
}

function decodeUs({ decode }: KafkajsUs): number {
  return decode
}

function bothUs({ decode, parse }: KafkajsUs): number {
  return decode + parse
}
