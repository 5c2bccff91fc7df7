import { showSpread } from '../figures.ts'
import { spreadsOf } from '../statistics.ts'
import { renderTable } from '../table.ts'
import { type Form, forms } from './forms.ts'
import { type MarketBytes, type MarketTimes, type TimedStep, timedSteps } from './measured.ts'

export interface BytesReport {
  readonly machine: readonly string[]
  readonly markets: readonly MarketBytes[]
  readonly rounds: readonly (readonly MarketTimes[])[]
}

const formText: Readonly<Record<Form, string>> = {
  json: 'JSON',
  messagePack: 'MessagePack',
  deflateEach: 'JSON, deflated frame by frame',
  deflateContext: 'JSON, deflate with context',
  tape: '**tape form**',
}
const stepText: Readonly<Record<TimedStep, string>> = {
  tapeEncode: '**tape form**, encode',
  tapeDecode: '**tape form**, decode',
  jsonEncode: '`JSON.stringify`',
  jsonDecode: '`JSON.parse`',
  messagePackEncode: 'MessagePack, encode',
  messagePackDecode: 'MessagePack, decode',
  deflateContext: 'deflate with context, of JSON',
}

/** The figures for people: Markdown tables. */
export function renderBytes({ machine, markets, rounds }: BytesReport): string {
  return `${machine.join('; ')}.

Bytes an event, coverage and WebSocket header included:

${markets.map(renderMarket).join('\n')}
The same for a session that is behind, by where it reads:

${renderBehind(markets)}
CPU an event in ns, in frames of 100 ms, one of a kind for all receivers; ${rounds.length} round${rounds.length === 1 ? '' : 's'} in processes of their own, median (lowest–highest round):

${renderTimes(rounds)}`
}

function renderMarket({ name, byBatch, zstd }: MarketBytes): string {
  const head = byBatch.map(({ batchMs, events, frames }) =>
    batchMs === 0 ? 'each event alone' : `${batchMs} ms (${(events / frames).toFixed(1)} events)`,
  )
  const rows = forms.map(form => [formText[form], ...byBatch.map(({ bytes }) => bytes[form].toFixed(2))])
  const floor = [
    'all events at once, `zstd -19`',
    ...byBatch.map((_, index) => (index === byBatch.length - 1 ? zstd.toFixed(2) : '')),
  ]
  return renderTable([name, ...head], [...rows, floor])
}

function renderBehind(markets: readonly MarketBytes[]): string {
  const [first] = markets
  const places = ['memory', 'log'] as const
  const columns = (first?.behind ?? []).flatMap(({ form }) => places.map(place => [form, place] as const))
  const rows = markets.map(({ name, behind }) => [
    name,
    ...columns.map(([form, place]) => (behind.find(each => each.form === form)?.[place] ?? 0).toFixed(2)),
  ])
  return renderTable(['', ...columns.map(([form, place]) => `${formText[form]}, ${place}`)], rows)
}

function renderTimes(rounds: readonly (readonly MarketTimes[])[]): string {
  const [first = []] = rounds
  const columns = first.map((_, market) => spreadsOf(rounds.flatMap(round => round[market]?.ns ?? [])))
  const rows = timedSteps.map(step => [stepText[step], ...columns.map(column => showSpread(column[step], 0))])
  return renderTable(['', ...first.map(({ name }) => name)], rows)
}
