import { setImmediate } from 'node:timers/promises'
import type { MarketEvent } from '../../event/event.ts'
import type { AppendResult } from '../event-log.ts'
import { embeddedLogError, type EmbeddedLogError, faultError } from './embedded-log-error.ts'
import type { EmbeddedLogStats } from './embedded-log-stats.ts'
import type { LogFile } from './log-file.ts'
import type { EncodedEvent, RecordWriter } from './record-writer.ts'

/** The limits of one transaction, which blocks the event loop for some 3 ms. */
const maxGroupEvents = 1000
const maxGroupBytes = 1_048_576
/** The events that may wait. A single call may bring more if nothing waits. */
const maxWaitingEvents = 100_000

export interface AppendQueueOptions {
  readonly file: LogFile
  readonly writer: RecordWriter
  readonly stats: EmbeddedLogStats
  /** Called after each transaction, before its positions are returned. */
  readonly onAppend: () => void
}

/** One call of `append`. */
interface AppendCall {
  readonly events: readonly MarketEvent[]
  /** Fills up in the order of the events. */
  readonly results: AppendResult[]
  readonly settle: (results: readonly AppendResult[]) => void
}

/**
 * Writes events in the order of the calls, in groups. All events that were appended within one turn of the
 * event loop, or while the last group was written, make up one transaction. So a single event is written at
 * once, and under load groups grow by themselves.
 */
export class AppendQueue {
  readonly #options: AppendQueueOptions
  readonly #waiting: AppendCall[] = []
  #waitingEvents = 0
  #draining: Promise<void> | undefined

  constructor(options: AppendQueueOptions) {
    this.#options = options
  }

  /** Resolves with a position or an error for each event, in order, when its outcome is final. */
  append(events: readonly MarketEvent[]): Promise<readonly AppendResult[]> {
    const { promise, resolve } = Promise.withResolvers<readonly AppendResult[]>()
    const call = { events, results: [], settle: resolve }
    if (events.length === 0 || this.#isCrowded(events.length)) {
      this.#refuse(call, faultError(this.#options.file.path, 'crowded'))
      return promise
    }
    this.#waiting.push(call)
    this.#waitingEvents += events.length
    this.#draining ??= this.#drain()
    return promise
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    await this.#draining
  }

  #isCrowded(more: number): boolean {
    return this.#waitingEvents > 0 && this.#waitingEvents + more > maxWaitingEvents
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      await setImmediate()
      await this.#appendGroup()
    }
    this.#draining = undefined
  }

  /** A fault of the file refuses everything that waits, since later events would meet the same fault. */
  async #appendGroup(): Promise<void> {
    const { file, writer, stats, onAppend } = this.#options
    try {
      const group = this.#nextGroup()
      const positions = await file.whenUnlocked(() => writer.write(group))
      stats.groups += 1
      stats.appended += positions.length
      onAppend()
      this.#settle(positions.map(position => ({ position })))
    } catch (thrown) {
      const error = embeddedLogError(file.path, thrown)
      for (const call of this.#waiting.splice(0)) this.#refuse(call, error)
      this.#waitingEvents = 0
    }
  }

  #nextGroup(): EncodedEvent[] {
    const group: EncodedEvent[] = []
    let bytes = 0
    for (const { events, results } of this.#waiting) {
      for (let index = results.length; index < events.length; index += 1) {
        if (group.length === maxGroupEvents || bytes >= maxGroupBytes) return group
        const event = events[index]
        if (event === undefined) continue
        const encoded = this.#options.writer.encode(event)
        bytes += encoded.value.length
        group.push(encoded)
      }
    }
    return group
  }

  /** Hands the results of a group to the calls that its events came from, which are the first that wait. */
  #settle(results: readonly AppendResult[]): void {
    this.#waitingEvents -= results.length
    let handed = 0
    while (handed < results.length) {
      const call = this.#waiting[0]
      if (call === undefined) return
      const part = results.slice(handed, handed + call.events.length - call.results.length)
      call.results.push(...part)
      handed += part.length
      if (call.results.length < call.events.length) return
      this.#waiting.shift()
      call.settle(call.results)
    }
  }

  /** Settles a call. Events without a result get the error. */
  #refuse({ events, results, settle }: AppendCall, error: EmbeddedLogError): void {
    this.#options.stats.refused += events.length - results.length
    while (results.length < events.length) results.push({ error })
    settle(results)
  }
}
