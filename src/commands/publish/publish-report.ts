import { type Channel, channels } from '../../event/event.ts'
import type { Findings } from './findings.ts'
import type { Acknowledgements, PartitionOffsets, MissingLines, LineRange } from './append-window.ts'
import { describeCount, describeDuration, describeNumber } from '../command-line.ts'

/** The facts of a publication. */
interface PublicationFacts {
  readonly acknowledgements: Acknowledgements
  /** The log, in words. */
  readonly target: string
  readonly durationMs: number
}

const listedRanges = 20
const listedRules = 20
const listedNames = 20

/** Lists the first bad lines of a file, and how many there are of each kind; nothing where all are good. */
export function describeBadLines(findings: Findings, name: string): string[] {
  if (findings.bad === 0) return []
  const listed = findings.badLines.map(({ line, message }) => `${name}:${line}: ${message}`)
  const rules = [...findings.badByRule].toSorted(([, one], [, other]) => other - one)
  return [
    ...listed,
    ...(findings.bad > listed.length ? [`… and ${describeNumber(findings.bad - listed.length)} more`] : []),
    `${describeCount(findings.bad, 'bad line')} of ${describeNumber(findings.lines)}:`,
    ...rules.slice(0, listedRules).map(([rule, count]) => `  ${describeNumber(count)} × ${rule}`),
  ].map(printable)
}

/** Lists the fields that are not published; nothing where there are none. */
export function describeUnknownFields({ unknownFields }: Findings): string[] {
  if (unknownFields.size === 0) return []
  const names = [...unknownFields].toSorted(([, one], [, other]) => other - one)
  const listed = names.slice(0, listedNames).map(([name, count]) => `${name} (${describeNumber(count)} ×)`)
  const more = names.length > listed.length ? ` and ${describeNumber(names.length - listed.length)} more` : ''
  return [printable(`unknown fields, not published: ${listed.join(', ')}${more}`)]
}

/** Lists the repaired values of events that are published; nothing where there are none. */
export function describeRepairs({ repaired, repairs }: Findings, name: string): string[] {
  const more = repaired - repairs.length
  return [
    ...repairs.map(({ line, message }) => `${name}:${line}: repaired ${message}`),
    ...(more > 0 ? [`… and ${describeNumber(more)} more repaired values`] : []),
  ].map(printable)
}

/** Describes a file: how many lines and events, their channels, and the first and last time. */
export function describeContent({ lines, events, byChannel, times }: Findings, name: string): string[] {
  const when = times === undefined ? '' : `, ${times.first} to ${times.last}`
  return [
    `${name}: ${describeCount(lines, 'line')}, ${describeCount(events, 'event')}${when}`,
    ...describeChannels(byChannel),
  ].map(printable)
}

/** Describes which events are in the log now. */
export function describePublished({ acknowledgements, target, durationMs }: PublicationFacts): string[] {
  const { acknowledged, byChannel, offsets } = acknowledgements
  const rate = Math.round((acknowledged * 1000) / Math.max(1, durationMs))
  return [
    `published ${describeCount(acknowledged, 'event')} in ${describeDuration(durationMs)} ` +
      `(${describeNumber(rate)}/s) to ${target}`,
    ...describeChannels(byChannel),
    ...(offsets.length > 0 ? ['at these offsets:'] : []),
    ...offsets.map(describeOffsets),
  ]
}

/** Describes which events the log did not acknowledge; nothing where it did for all. */
export function describeMissing(
  missing: readonly MissingLines[],
  errors: ReadonlyMap<string, number>,
): string[] {
  if (missing.length === 0) return []
  const absent = missing.filter(({ isAbsent }) => isAbsent)
  const uncertain = missing.filter(({ isAbsent }) => !isAbsent)
  return [
    ...describeRanges(absent, 'NOT published'),
    ...describeRanges(uncertain, 'NOT acknowledged, so perhaps published and perhaps not'),
    ...[...errors].map(([message, times]) => `${describeNumber(times)} × ${message}`),
  ].map(printable)
}

function describeRanges(ranges: readonly LineRange[], what: string): string[] {
  if (ranges.length === 0) return []
  const count = ranges.reduce((sum, range) => sum + range.count, 0)
  const more = ranges.length - listedRanges
  return [
    `${describeCount(count, 'event')} ${what}:`,
    ...ranges.slice(0, listedRanges).map(describeRange),
    ...(more > 0 ? [`  … and ${more} more ranges`] : []),
  ]
}

/** Describes where to continue in a file that was published in part. */
export function describeNextLine(nextLine: number, missing: readonly LineRange[]): string {
  const [first] = missing
  if (first === undefined || first.firstLine >= nextLine) {
    return `every line before ${nextLine} is published; continue with --from-line ${nextLine}`
  }
  return (
    `every line before ${first.firstLine} is published; --from-line ${first.firstLine} continues there, ` +
    'and publishes later events that have reached the log a second time'
  )
}

function describeChannels(byChannel: ReadonlyMap<Channel, number>): string[] {
  return channels.flatMap(channel => {
    const count = byChannel.get(channel)
    return count === undefined ? [] : [`  ${channel.padEnd(24)}${describeNumber(count).padStart(12)}`]
  })
}

function describeOffsets({ partition, count, first, last }: PartitionOffsets): string {
  const name = `${partition.topic}/${partition.partition}`
  const offsets = first === last ? first : `${first}..${last}`
  return `  ${name.padEnd(24)}${describeNumber(count).padStart(12)}  ${offsets}`
}

function describeRange({ firstLine, lastLine, count }: LineRange): string {
  const lines = firstLine === lastLine ? `line ${firstLine}` : `lines ${firstLine} to ${lastLine}`
  return `  ${lines} (${describeCount(count, 'event')})`
}

/** Replaces control characters, so that a file's content cannot control the terminal. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '�')
}
