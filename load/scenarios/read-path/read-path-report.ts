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

/** A row: its name, and what its columns show of a round. */
type Row<Value> = readonly [name: string, read: (round: ReadRound) => Value]

const stageRows: readonly Row<{ readonly us: number; readonly round: ReadRound }>[] = [
  ...stages.map(([stage, name]) => [name, (round: ReadRound) => ({ us: round.ours[stage], round })] as const),
  ['**all**', round => ({ us: allUs(round), round })],
  ['aside: validate where no event looks like another', round => ({ us: round.aside.unfamiliar, round })],
  ['aside: of that, UTF-8 and `JSON.parse`', round => ({ us: round.aside.parse, round })],
]

const kafkajsRows: readonly Row<KafkajsUs>[] = [
  ['`broker.fetch`', ({ byFetch }) => byFetch],
  ['group, `eachBatch`', ({ byGroup }) => byGroup],
  ['its decoder alone, bytes in memory', ({ decoder }) => decoder],
]

type Ratios = readonly [toFetch: number, toGroup: number]

const ratioRows: readonly Row<Ratios>[] = [
  ['decode ÷ kafkajs’ decoder alone', ({ ours, decoder }) => [ours.decode / decoder.decode, Number.NaN]],
  [
    'validate ÷ where no event looks like another',
    ({ ours, aside }) => [ours.validate / aside.unfamiliar, Number.NaN],
  ],
  [
    'fetch + decode ÷ fetch + decode',
    round => ratiosOf(round, fetchAndDecodeUs(round), ({ decode }) => decode),
  ],
  [
    '**fetch + decode + validate** ÷ fetch + decode + `JSON.parse`',
    round => ratiosOf(round, fetchAndDecodeUs(round) + round.ours.validate),
  ],
  [
    'the same with `JSON.parse` alone on both sides',
    round => ratiosOf(round, fetchAndDecodeUs(round) + round.aside.parse),
  ],
  ['all ÷ fetch + decode + `JSON.parse`', round => ratiosOf(round, allUs(round))],
]

export function readPathParts(compression: string, rounds: readonly ReadRound[]): ReportPart[] {
  const title = `Compression ${compression}`
  const casesOf = <Value>(rows: readonly Row<Value>[]) =>
    rows.map(([name, read]) => [[name], rounds.map(read)] as const)
  return [
    caseTable(title, { head: ['the gateway, stage by stage'], cases: casesOf(stageRows) }, [
      ['µs an event', ({ us, round }) => us / round.ours.events, 2],
      ['share', ({ us, round }) => us / allUs(round), '%'],
    ]),
    caseTable(`${title}, kafkajs`, { head: ['kafkajs, µs an event'], cases: casesOf(kafkajsRows) }, [
      ['fetch and decode', us => us.decode / us.events, 2],
      ['JSON.parse', us => us.parse / us.events, 2],
      ['both', us => bothUs(us) / us.events, 2],
    ]),
    caseTable(`${title}, ratios`, { head: ['the gateway ÷ kafkajs'], cases: casesOf(ratioRows) }, [
      ['`broker.fetch`', ([toFetch]) => toFetch, 2],
      ['group', ([, toGroup]) => toGroup, 2],
    ]),
  ]
}

/** The gateway's µs as ratios to those of kafkajs, by the way it reads. */
function ratiosOf({ byFetch, byGroup }: ReadRound, us: number, theirs = bothUs): Ratios {
  return [us / theirs(byFetch), us / theirs(byGroup)]
}

function allUs({ ours }: ReadRound): number {
  return sumOf(stages, ([stage]) => ours[stage])
}

function fetchAndDecodeUs({ ours }: ReadRound): number {
  return ours.fetch + ours.decode
}

function bothUs({ decode, parse }: KafkajsUs): number {
  return decode + parse
}
