import type { Compression } from '../compression.ts'
import { percent, showSpread } from '../figures.ts'
import { renderTable } from '../table.ts'
import { meanValueBytes, type TapeRecords } from '../tape-records.ts'
import type { ReadPathArguments } from './arguments.ts'
import { type GatewayStage, gatewayStages } from './gateway-stages.ts'
import type { ReadPathSummary } from './summary.ts'

export interface ReadPathReport {
  readonly machine: readonly string[]
  readonly load: ReadPathArguments
  readonly tape: TapeRecords
  readonly cases: readonly ReadPathCase[]
}

interface ReadPathCase {
  readonly compression: Compression
  readonly summary: ReadPathSummary
}

const stageText: Readonly<Record<GatewayStage, string>> = {
  fetch: 'fetch: request, socket, answer',
  decode: 'decode: batches, checksums, records',
  validate: 'validate: JSON to an event, checked',
  encode: 'encode: tape, last event, fan-out mark',
}

/** The figures for people: Markdown tables. */
export function renderReadPath({ machine, load, tape, cases }: ReadPathReport): string {
  const { rounds, events, batchRecords } = load
  return `${machine.join('; ')}. ${rounds} round${rounds === 1 ? '' : 's'}, each in new processes and after a warm-up; median (lowest–highest round).
${events} events of ${tape.description}, ${meanValueBytes(tape).toFixed(0)} B of JSON on average, batches of ${batchRecords}.
CPU of all threads of the reading process, kernel included, µs an event.
${cases.map(renderCase).join('')}
Compared are sums of the stages that both do; ratios are made within a round. kafkajs checks no checksum and no UTF-8.
`
}

function renderCase({ compression, summary }: ReadPathCase): string {
  const head = ['the gateway, stage by stage', 'µs an event', 'share']
  const rows = gatewayStages.map(stage => [
    stageText[stage],
    showSpread(summary[stage], 2),
    percent(summary[stage].median / summary.whole.median),
  ])
  const all = ['**all**', showSpread(summary.whole, 2), '']
  const aside = [
    ['aside: validate where no event looks like another', showSpread(summary.unfamiliar, 2), ''],
    ['aside: of that, UTF-8 and `JSON.parse`', showSpread(summary.parse, 2), ''],
  ]
  return `
Compression: ${compression}

${renderTable(head, [...rows, all, ...aside])}
${renderKafkajs(summary)}
${renderRatios(summary)}`
}

function renderKafkajs(summary: ReadPathSummary): string {
  const head = ['kafkajs', 'fetch and decode', 'JSON.parse', 'both']
  const rows = [
    [
      '`broker.fetch`',
      showSpread(summary.fetchDecode, 2),
      showSpread(summary.fetchParse, 2),
      showSpread(summary.fetchWhole, 2),
    ],
    [
      'group, `eachBatch`',
      showSpread(summary.groupDecode, 2),
      showSpread(summary.groupParse, 2),
      showSpread(summary.groupWhole, 2),
    ],
    ['its decoder alone, bytes in memory', showSpread(summary.decoderAlone, 2), '–', '–'],
  ]
  return renderTable(head, rows)
}

function renderRatios(summary: ReadPathSummary): string {
  const head = ['the gateway ÷ kafkajs', '`broker.fetch`', 'group']
  const rows = [
    ['decode ÷ its decoder alone', showSpread(summary.decodeRatio, 2), '–'],
    [
      'fetch + decode ÷ fetch + decode',
      showSpread(summary.readRatio, 2),
      showSpread(summary.readGroupRatio, 2),
    ],
    [
      '**fetch + decode + validate** ÷ fetch + decode + `JSON.parse`',
      showSpread(summary.checkedRatio, 2),
      showSpread(summary.checkedGroupRatio, 2),
    ],
    [
      'the same with `JSON.parse` alone on both sides',
      showSpread(summary.parsedRatio, 2),
      showSpread(summary.parsedGroupRatio, 2),
    ],
    [
      'all ÷ fetch + decode + `JSON.parse`',
      showSpread(summary.wholeRatio, 2),
      showSpread(summary.wholeGroupRatio, 2),
    ],
    ['validate ÷ where no event looks like another', showSpread(summary.validateRatio, 2), '–'],
  ]
  return renderTable(head, rows)
}
