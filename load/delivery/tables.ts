import { percent, showSpread } from '../figures.ts'
import type { BarsPart, ReportPart, TablePart } from '../report.ts'
import type { Row } from './summary.ts'

/** Busier than this, the clients are what limits. */
const limitShare = 0.9

/** A table and a plot for each size of batch. */
export function partsOf(title: string, rows: readonly Row[]): ReportPart[] {
  const bySize = [...Map.groupBy(rows, ({ size }) => size)]
  return bySize.flatMap(([size, own]) => {
    const named = `${title}, ${size} event${size === 1 ? '' : 's'} a batch`
    return [tableOf(named, own), barsOf(named, own)]
  })
}

function tableOf(title: string, rows: readonly Row[]): TablePart {
  const head = [
    'server',
    'CPU, µs a delivery',
    '÷ floor',
    '÷ gateway',
    'with reading, µs',
    'with reading ÷ floor',
    'bytes a delivery',
    'events a frame',
    'p50 ms',
    'p99 ms',
    'kB a connection',
    'server core',
    'clients',
    'limited by',
  ]
  return { kind: 'table', title, head, rows: rows.map(cellsOf) }
}

function cellsOf(row: Row): string[] {
  const { figures } = row
  return [
    row.peer,
    showSpread(figures.fanoutUs, 3),
    showSpread(row.ratioTo('floor'), 2),
    showSpread(row.ratioTo('gateway'), 2),
    showSpread(figures.wholeUs, 3),
    showSpread(row.wholeRatioTo('floor'), 2),
    figures.bytes.median.toFixed(0),
    figures.eventsPerFrame.median.toFixed(2),
    figures.p50Ms.median.toFixed(2),
    figures.p99Ms.median.toFixed(1),
    figures.connectionKilobytes.median.toFixed(1),
    percent(figures.serverShare.median),
    percent(figures.clientsShare.median),
    figures.clientsShare.median >= limitShare ? 'clients' : '–',
  ]
}

function barsOf(title: string, rows: readonly Row[]): BarsPart {
  const bars = rows.map(({ peer, figures }) => ({
    name: peer,
    spread: figures.fanoutUs,
    isOurs: peer === 'gateway',
  }))
  return { kind: 'bars', title: `${title}: server CPU`, unit: 'µs a delivery', bars }
}
