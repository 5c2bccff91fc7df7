import type { ReaderResult } from '../processes/numbered-readers.ts'
import { sumOf } from '../lib/statistics.ts'

/** What readers received, in words. */
export function describeResults(results: readonly ReaderResult[]): string {
  const of = (figure: (result: ReaderResult) => number): number => sumOf(results, figure)
  const complaints = results.flatMap(result => result.complaints).slice(0, 3)
  const said = complaints.length === 0 ? '' : `; the gateway said: ${complaints.join(' ')}`
  return (
    `${of(({ trades, quotes }) => trades + quotes)} events, ${of(({ faults }) => faults.missing)} missing, ` +
    `${of(({ faults }) => faults.repeated)} repeated or out of order, ` +
    `${of(({ faults }) => faults.miscounted)} miscounted, ` +
    `${of(({ faults }) => faults.uncovered)} ranges not covered, ` +
    `${of(({ unfinished }) => unfinished)} readers without a last event${said}`
  )
}

/** Whether every reader has all its events, each once and in order. */
export function areWhole(results: readonly ReaderResult[]): boolean {
  const faults = sumOf(results, ({ faults: { missing, repeated, miscounted, uncovered }, unfinished }) => {
    return missing + repeated + miscounted + uncovered + unfinished
  })
  return faults === 0
}
