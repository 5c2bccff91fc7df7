import { renderPage } from './page.ts'
import type { Outcome } from './scenario.ts'
import type { Spread } from './statistics.ts'
import { renderTable } from './table.ts'

/** What a run found, for people: written once, shown in the terminal and as a page. */
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

export interface Bar {
  readonly name: string
  readonly spread: Spread
  /** What the report is about. */
  readonly isOurs: boolean
}

/** Values over a quantity, both on logarithmic scales. Only on the page. */
export interface LinesPart {
  readonly kind: 'lines'
  readonly title: string
  readonly xName: string
  readonly yName: string
  readonly lines: readonly Line[]
}

export interface Line {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
}

export interface TextPart {
  readonly kind: 'text'
  readonly text: string
}

/** The outcome of a run with such a report. */
export function outcomeOf(report: Report, figures: object): Outcome {
  return { text: renderText(report), page: renderPage(report), figures }
}

function renderText({ notes, parts }: Report): string {
  const texts = parts.flatMap(part => {
    if (part.kind === 'table') return [`${part.title}\n\n${renderTable(part.head, part.rows)}`]
    return part.kind === 'text' ? [`${part.text}\n`] : []
  })
  return `${notes.join(' ')}\n\n${texts.join('\n')}`
}
