import { measureRounds } from '../../lib/bench.ts'
import { program, startChild } from '../../lib/child.ts'
import { caseTable } from '../../lib/figure-tables.ts'
import { roundsOption } from '../../lib/options.ts'
import type { ReportPart } from '../../lib/report.ts'
import { scenario } from '../../lib/scenario.ts'
import type { BytesProcess, MarketBytes, MarketTimes } from './bytes-process.ts'
import { sharedTapePath } from '../../../test/support/tape.ts'

export const bytes = scenario({
  name: 'bytes',
  summary: 'bytes of an event in each form, encoding and decoding',
  options: {
    rounds: roundsOption(5),
    events: {
      help: 'events of each market at most',
      default: 130_000,
      quick: 20_000,
      most: 5_000_000,
    },
    tape: {
      placeholder: 'FILE',
      help: 'a real market, one event a line, gzipped if the name ends in .gz; otherwise one is generated',
      default: sharedTapePath(),
    },
  },
  async measure({ rounds: count, events, tape }, bench) {
    const command = bench.cores.server(program('scenarios/bytes/bytes-process.ts'))
    bench.say('counting bytes')
    const counting = startChild<BytesProcess>(bench.stack, 'bytes', command)
    const markets = await counting.call('bytes', tape, events)
    counting.stop()
    const rounds = await measureRounds(bench, count, async ({ stack, say }) => {
      say('encoding and decoding')
      const child = startChild<BytesProcess>(stack, 'bytes', command)
      const times = await child.call('times', tape, events)
      child.stop()
      return times
    })
    return {
      notes: [
        'Bytes an event include coverage and the WebSocket header.',
        'CPU is in frames of 100 ms, of which one serves all receivers; each round in a process of its own.',
      ],
      parts: bytesParts(markets, rounds),
      figures: { markets, rounds },
    }
  },
})

const forms = [
  ['JSON', 'json'],
  ['MessagePack', 'messagePack'],
  ['JSON, deflated frame by frame', 'deflateEach'],
  ['JSON, deflate with context', 'deflateContext'],
  ['**tape form**', 'tape'],
] as const

const steps = [
  ['**tape form**, encode', 'tapeEncode'],
  ['**tape form**, decode', 'tapeDecode'],
  ['`JSON.stringify`', 'jsonEncode'],
  ['`JSON.parse`', 'jsonDecode'],
  ['MessagePack, encode', 'messagePackEncode'],
  ['MessagePack, decode', 'messagePackDecode'],
  ['deflate with context, of JSON', 'deflateContext'],
] as const

/** The tables: bytes of each market, bytes of sessions that are behind, and CPU. */
export function bytesParts(
  markets: readonly MarketBytes[],
  rounds: readonly (readonly MarketTimes[])[],
): ReportPart[] {
  const head = ['', 'JSON, memory', 'JSON, log', '**tape form**, memory', '**tape form**, log']
  const behind = markets.map(({ name, behind: { jsonMemory, jsonLog, tapeMemory, tapeLog } }) => {
    return [name, ...[jsonMemory, jsonLog, tapeMemory, tapeLog].map(value => value.toFixed(2))]
  })
  const cases = steps.map(([name, step]) => {
    return [[name], rounds.map(times => times.map(({ ns }) => ns[step]))] as const
  })
  const figures = (rounds[0] ?? []).map(({ name }, market) => {
    return [name, (ns: readonly number[]) => ns[market] ?? Number.NaN, 0] as const
  })
  const title = 'Bytes an event for a session that is behind, by where it reads'
  return [
    ...markets.map(marketTable),
    { kind: 'table', title, head, rows: behind },
    caseTable('CPU an event, ns', { head: [''], cases }, figures),
  ]
}

function marketTable({ name, byBatch, zstd }: MarketBytes): ReportPart {
  const columns = byBatch.map(({ batchMs, events, frames }) =>
    batchMs === 0 ? 'each event alone' : `${batchMs} ms (${(events / frames).toFixed(1)} events)`,
  )
  const rows = forms.map(([text, form]) => [text, ...byBatch.map(batch => batch.bytes[form].toFixed(2))])
  const floor = ['all events at once, `zstd -19`', ...byBatch.slice(1).map(() => ''), zstd.toFixed(2)]
  return { kind: 'table', title: `Bytes an event: ${name}`, head: ['', ...columns], rows: [...rows, floor] }
}
