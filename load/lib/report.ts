import type { Spread } from './statistics.ts'

/** The results of a run for people, shown as text in the terminal and as a page. */
export interface Report {
  readonly title: string
  /** What the figures depend on, sentence by sentence. */
  readonly notes: readonly string[]
  readonly parts: readonly ReportPart[]
}

export type ReportPart = TablePart | BarsPart | LinesPart | TextPart

export interface TablePart {
  readonly kind: 'table'
  readonly title: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Medians as bars, with the lowest and the highest round as whiskers. Only on the page. */
export interface BarsPart {
  readonly kind: 'bars'
  readonly title: string
  readonly unit: string
  readonly bars: readonly Bar[]
}

interface Bar {
  readonly name: string
  readonly spread: Spread
  /** Whether the bar shows the gateway, which is drawn in its own colour. */
  readonly isGateway: boolean
}

/** Values over a quantity, both on logarithmic scales. Only on the page. */
export interface LinesPart {
  readonly kind: 'lines'
  readonly title: string
  readonly xName: string
  readonly yName: string
  readonly lines: readonly {
    readonly name: string
    readonly points: readonly (readonly [number, number])[]
  }[]
}

export interface TextPart {
  readonly kind: 'text'
  readonly text: string
}

/** The report for a terminal; tables are Markdown. */
export function renderText({ notes, parts }: Report): string {
  const texts = parts.flatMap(part => {
    if (part.kind === 'table') return [`${part.title}\n\n${renderTable(part.head, part.rows)}`]
    return part.kind === 'text' && part.text !== '' ? [`${part.text}\n`] : []
  })
  return `${notes.join('\n')}\n\n${texts.join('\n')}`
}

/** A Markdown table, aligned for a terminal: the first column to the left, the others to the right. */
function renderTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((name, column) =>
    Math.max(3, name.length, ...rows.map(row => row[column]?.length ?? 0)),
  )
  const pad = (cell: string, column: number): string =>
    column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)
  const line = (cells: readonly string[]): string => `| ${cells.map(pad).join(' | ')} |\n`
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return line(head) + line(rule) + rows.map(line).join('')
}
