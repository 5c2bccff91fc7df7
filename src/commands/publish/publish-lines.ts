import { once } from 'node:events'
import type { LogConfig } from '../../config/config.ts'
import { openLog } from '../../app/open-log.ts'
import type { EventLog, Position } from '../../log/event-log.ts'
import { topicOf } from '../../log/topics.ts'
import type { WarnLog } from '../../diagnostics/rate-limited-log.ts'
import { messageOf, TickerError } from '../../diagnostics/ticker-error.ts'
import { AppendWindow } from './append-window.ts'
import type { FileCheck } from './findings.ts'
import type { InterruptSignal } from '../../system/interrupt-signal.ts'
import { type ProgressDisplay, startProgress } from './progress.ts'
import { Publication, createPublishSchedule } from './publication.ts'
import type { PublishArguments } from './publish-arguments.ts'
import type { TextSource } from './text-source.ts'
import { systemClock } from '../../system/clock.ts'
import { describeDuration, describeNumber } from '../command-line.ts'

/** The log does not answer, or lacks a topic. */
class NoLogError extends TickerError {
  readonly code = 'TICKER_NO_LOG'
}

interface PublishLinesOptions {
  readonly source: TextSource
  readonly request: PublishArguments
  readonly config: LogConfig
  /** The check of the same file; `undefined` where it can be read only once. */
  readonly check: FileCheck | undefined
  readonly interrupt: InterruptSignal
}

/** The result of publishing a file. */
export interface Published {
  readonly publication: Publication
  readonly window: AppendWindow
  readonly durationMs: number
  /** Why the rest of the file could not be read. */
  readonly fault: TickerError | undefined
}

const maxEventsUnderWay = 4000
const answerTimeoutMs = 30_000

/**
 * Publishes a file's lines into the log and shows the progress. Resolves when the log has answered for every
 * event, or when the user abandons that. Rejects with a `TickerError` where nothing was published.
 */
export async function publishLines(options: PublishLinesOptions): Promise<Published> {
  const { config, interrupt } = options
  const progress = startProgress({ task: 'publishing', output: process.stderr })
  const abandoned = whenAborted(interrupt.abandoning)
  try {
    const log = openLog(config, noteWarnings(progress)).events
    try {
      checkTopics(options, await awaitAnswer(log, interrupt.stopping))
      const { publication, window } = createPublication(options, log, progress)
      const startedMs = systemClock.steady()
      const fault = await Promise.race([publication.run().then(() => undefined, tickerError), abandoned])
      return { publication, window, durationMs: systemClock.steady() - startedMs, fault }
    } finally {
      await Promise.race([log.close(), abandoned])
    }
  } finally {
    progress.stop()
  }
}

function createPublication(options: PublishLinesOptions, log: EventLog, progress: ProgressDisplay) {
  const { source, request, config, check, interrupt } = options
  const window = new AppendWindow({
    log,
    maxEvents: maxEventsUnderWay,
    onSettled: () => progress.update(state()),
  })
  const publication = new Publication({
    lines: source.lines(),
    window,
    schedule: createPublishSchedule(request.speed),
    fromLine: request.fromLine,
    skipsBad: request.skipsBad,
    maxEventBytes: config.maxEventBytes,
    stopping: interrupt.stopping,
    onLongWait: (line, waitMs) =>
      progress.note(`line ${describeNumber(line)} is due in ${describeDuration(waitMs)}`),
  })
  const state = () => ({
    fraction: check === undefined ? undefined : publication.end / Math.max(1, check.textBytes),
    events: window.acknowledgements.acknowledged,
  })
  return { publication, window }
}

/** Shows the log's warnings among the progress. */
function noteWarnings(progress: ProgressDisplay): WarnLog {
  return {
    warn: (fields, message) => {
      const why = 'err' in fields ? ` (${messageOf(fields.err)})` : ''
      progress.note(`the log: ${message}${why}`)
    },
  }
}

/** Waits for the log's first answer, so that a wrong address is reported before anything is appended. */
async function awaitAnswer(log: EventLog, stopping: AbortSignal): Promise<readonly Position[]> {
  const timeout = AbortSignal.timeout(answerTimeoutMs)
  try {
    return await log.partitions(AbortSignal.any([stopping, timeout]))
  } catch (error) {
    const why = stopping.aborted ? 'interrupted' : `no answer within ${describeDuration(answerTimeoutMs)}`
    throw new NoLogError(`the log: ${why}; nothing was published`, { cause: error })
  }
}

/** Throws where the log lacks a topic that the file needs. The topics of a pipe are not known in advance. */
function checkTopics({ config, check }: PublishLinesOptions, positions: readonly Position[]): void {
  const existing = new Set(positions.map(({ partition }) => partition.topic))
  const missing = [...(check?.findings.samples.values() ?? [])]
    .map(event => topicOf(event, config.topics))
    .filter(topic => !existing.has(topic))
  if (missing.length === 0) return
  const names = [...new Set(missing)].join(', ')
  throw new NoLogError(`${names}: no such topic in the log; create it, or name another with TICKER_TOPIC_…`)
}

function tickerError(thrown: unknown): TickerError {
  if (thrown instanceof TickerError) return thrown
  throw thrown
}

async function whenAborted(signal: AbortSignal): Promise<undefined> {
  if (!signal.aborted) await once(signal, 'abort')
  return undefined
}
