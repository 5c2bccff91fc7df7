import { caseTable } from '../../lib/figure-tables.ts'
import type { ReportPart } from '../../lib/report.ts'
import type { MarketBytes, MarketTimes } from './bytes-process.ts'

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
    return [name, ...[jsonMemory, jsonLog, tapeMemory, tapeLog].map(bytes => bytes.toFixed(2))]
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
  const rows = forms.map(([text, form]) => [text, ...byBatch.map(({ bytes }) => bytes[form].toFixed(2))])
  const floor = ['all events at once, `zstd -19`', ...byBatch.slice(1).map(() => ''), zstd.toFixed(2)]
  return { kind: 'table', title: `Bytes an event: ${name}`, head: ['', ...columns], rows: [...rows, floor] }
}
