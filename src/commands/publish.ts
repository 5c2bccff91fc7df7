import { resolve } from 'node:path'
import { readLogConfig, readMaxEventBytes } from '../config/config-reader.ts'
import type { LogConfig } from '../config/config.ts'
import { ConfigError } from '../config/variable-reader.ts'
import { InterruptSignal } from '../system/interrupt-signal.ts'
import { runCommand, UsageError, describeCount } from './command-line.ts'
import { type FileCheck, type Findings, checkFile } from './publish/findings.ts'
import { startProgress } from './publish/progress.ts'
import { type PublishArguments, parsePublishArguments, publishUsage } from './publish/publish-arguments.ts'
import { type Published, publishLines } from './publish/publish-lines.ts'
import {
  describeBadLines,
  describeContent,
  describeMissing,
  describeNextLine,
  describePublished,
  describeRepairs,
  describeUnknownFields,
} from './publish/publish-report.ts'
import { TextSource } from './publish/text-source.ts'
const exitCodes = { done: 0, fault: 1, usage: 2, interrupted: 130 } as const

/** Runs the command; resolves to the exit code. */
async function run(args: readonly string[]): Promise<number> {
  const request = parsePublishArguments(args)
  if (request === 'help') {
    process.stdout.write(publishUsage)
    return exitCodes.done
  }
  const interrupt = InterruptSignal.ofProcess()
  const signal = interrupt.stopping
  const source = await TextSource.open({ file: request.file, path: pathOf(request.file), signal })
  if (source.isTyped) printNotes(['reading events from the terminal, one a line; Ctrl-D ends them'])
  if (request.isCheckOnly) return await checkOnly(source, request, signal)
  const config = readLogConfig(process.env)
  const check =
    source.size === undefined ? undefined : await checkWholeFile(source, request, config.maxEventBytes)
  if (signal.aborted) {
    printNotes(['interrupted while the file was checked; nothing was published'])
    return exitCodes.interrupted
  }
  if (check !== undefined) {
    printFindings(check.findings, source.name)
    if (check.findings.bad > 0 && !request.skipsBad) {
      printNotes(['nothing was published; --skip-bad publishes the good lines'])
      return exitCodes.fault
    }
  }
  const published = await publishLines({ source, request, config, check, interrupt })
  const outcome = report(published, { source, request, config, isChecked: check !== undefined })
  // Appends that are still under way would keep the process alive.
  if (interrupt.abandoning.aborted) process.exit(exitCodes[outcome])
  return exitCodes[outcome]
}

interface ReportOptions {
  readonly source: TextSource
  readonly request: PublishArguments
  readonly config: LogConfig
  /** Whether bad lines and unknown fields have been reported already. */
  readonly isChecked: boolean
}

/** Reports which events are in the log now, and which are not. */
function report(published: Published, reported: ReportOptions): keyof typeof exitCodes {
  const { publication, window, durationMs, fault } = published
  const { source, request, config, isChecked } = reported
  const { acknowledgements } = window
  const { findings, nextLine } = publication
  const target = describeTarget(config)
  process.stdout.write(`${describePublished({ acknowledgements, target, durationMs }).join('\n')}\n`)
  const { missing } = acknowledgements
  printNotes(describeMissing(missing, acknowledgements.errors))
  if (!isChecked) printNotes([...describeRepairs(findings, source.name), ...describeUnknownFields(findings)])
  if (!isChecked || !publication.isComplete) printNotes(describeBadLines(findings, source.name))
  if (fault !== undefined) printNotes([fault.message])
  if (publication.isComplete && missing.length === 0) {
    if (findings.bad > 0) printNotes([`left out ${describeCount(findings.bad, 'bad line')}`])
    return 'done'
  }
  printNotes([describeNextLine(nextLine, missing)])
  const isFault =
    fault !== undefined || acknowledgements.hasRefusals || (findings.bad > 0 && !request.skipsBad)
  return isFault ? 'fault' : 'interrupted'
}

function describeTarget({ log }: LogConfig): string {
  return log.kind === 'kafka' ? `Kafka at ${log.brokers.join(', ')}` : `the embedded log ${log.path}`
}

async function checkOnly(
  source: TextSource,
  request: PublishArguments,
  signal: AbortSignal,
): Promise<number> {
  const { findings } = await checkWholeFile(source, request, readMaxEventBytes(process.env))
  if (signal.aborted) return exitCodes.interrupted
  printFindings(findings, source.name)
  process.stdout.write(`${describeContent(findings, source.name).join('\n')}\n`)
  return findings.bad > 0 ? exitCodes.fault : exitCodes.done
}

/** Checks the whole file and publishes nothing. */
async function checkWholeFile(
  source: TextSource,
  request: PublishArguments,
  maxEventBytes: number,
): Promise<FileCheck> {
  const progress = startProgress({ task: 'checking', output: process.stderr })
  try {
    return await checkFile({
      lines: source.lines(),
      fromLine: request.fromLine,
      maxEventBytes,
      onProgress: ({ events }) => {
        const { size, readBytes } = source
        progress.update({ fraction: size === undefined ? undefined : readBytes / Math.max(1, size), events })
      },
    })
  } finally {
    progress.stop()
  }
}

/**
 * `npm run` changes to the project's folder, but a relative path was meant from where the command was typed.
 */
function pathOf(file: string): string {
  const isRunByNpm = process.env['npm_lifecycle_event'] === 'publish'
  return resolve((isRunByNpm ? process.env['INIT_CWD'] : undefined) ?? '.', file)
}

function printFindings(findings: Findings, name: string): void {
  printNotes([
    ...describeBadLines(findings, name),
    ...describeRepairs(findings, name),
    ...describeUnknownFields(findings),
  ])
}

function printNotes(lines: readonly string[]): void {
  for (const line of lines) process.stderr.write(`${line}\n`)
}

await runCommand('publish', run, [UsageError, ConfigError])
