import { setImmediate } from 'node:timers/promises'
import type { MarketEvent } from '../../event/event.ts'
import type { AppendResult } from '../event-log.ts'
import { embeddedLogError, faultError, type EmbeddedLogError } from './embedded-log-error.ts'
import type { EmbeddedLogStats } from './embedded-log-stats.ts'
import { patiently, type Patience } from './log-file.ts'
import type { EncodedEvent, RecordWriter } from './record-writer.ts'

/** What one transaction takes at most, so that it blocks the event loop for some 3 ms. */
const groupEvents = 1000
const groupBytes = 1_048_576
/** How many events may wait; a single call may bring more where none waits. */
const waitingLimit = 100_000

export interface AppendQueueOptions {
  readonly writer: RecordWriter
  readonly patience: Patience
  readonly stats: EmbeddedLogStats
  /** Called after each transaction, before its positions are told. */
  readonly onAppend: () => void
}

/** One call of `append`. */
interface Appending {
  readonly events: readonly MarketEvent[]
  /** Fills up in the order of the events. */
  readonly results: AppendResult[]
  readonly settle: (results: readonly AppendResult[]) => void
}

/**
 * Writes events in the order of the calls, in groups: what was appended within one turn of the event loop, or
 * while the last group was written, is one transaction. So an event that comes alone is written at once, and
 * under load groups grow by themselves.
 */
export class AppendQueue {
  readonly #writer: RecordWriter
  readonly #patience: Patience
  readonly #stats: EmbeddedLogStats
  readonly #onAppend: () => void
  readonly #waiting: Appending[] = []
  #waitingEvents = 0
  #draining: Promise<void> | undefined

  constructor({ writer, patience, stats, onAppend }: AppendQueueOptions) {
    this.#writer = writer
    this.#patience = patience
    this.#stats = stats
    this.#onAppend = onAppend
  }

  /** Resolves with a position or an error per event, in order, when each is in the file or will never be. */
  append(events: readonly MarketEvent[]): Promise<readonly AppendResult[]> {
    const { promise, resolve } = Promise.withResolvers<readonly AppendResult[]>()
    const appending = { events, results: [], settle: resolve }
    if (events.length === 0 || this.#isCrowded(events.length)) {
      this.#refuse(appending, faultError(this.#patience.path, 'crowded'))
      return promise
    }
    this.#waiting.push(appending)
    this.#waitingEvents += events.length
    this.#draining ??= this.#drain()
    return promise
  }

  /** Resolves when nothing waits any more. */
  async drained(): Promise<void> {
    await this.#draining
  }

  #isCrowded(more: number): boolean {
    return this.#waitingEvents > 0 && this.#waitingEvents + more > waitingLimit
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      await setImmediate()
      await this.#appendGroup()
    }
    this.#draining = undefined
  }

  /** A fault of the file refuses everything that waits: what came later would only meet it later. */
  async #appendGroup(): Promise<void> {
    try {
      const group = this.#nextGroup()
      const positions = await patiently(this.#patience, () => this.#writer.write(group))
      this.#stats.groups += 1
      this.#stats.appended += positions.length
      this.#onAppend()
      this.#settle(positions.map(position => ({ position })))
    } catch (thrown) {
      const error = embeddedLogError(this.#patience.path, thrown)
      for (const appending of this.#waiting.splice(0)) this.#refuse(appending, error)
      this.#waitingEvents = 0
    }
  }

  #nextGroup(): EncodedEvent[] {
    const group: EncodedEvent[] = []
    let bytes = 0
    for (const { events, results } of this.#waiting) {
      for (let index = results.length; index < events.length; index += 1) {
        if (group.length === groupEvents || bytes >= groupBytes) return group
        const event = events[index]
        if (event === undefined) continue
        const encoded = this.#writer.encode(event)
        bytes += encoded.value.length
        group.push(encoded)
      }
    }
    return group
  }

  /** Hands the results of a group to the calls that its events came from: the first ones that wait. */
  #settle(results: readonly AppendResult[]): void {
    this.#waitingEvents -= results.length
    let taken = 0
    while (taken < results.length) {
      const appending = this.#waiting[0]
      if (appending === undefined) return
      const part = results.slice(taken, taken + appending.events.length - appending.results.length)
      appending.results.push(...part)
      taken += part.length
      if (appending.results.length < appending.events.length) return
      this.#waiting.shift()
      appending.settle(appending.results)
    }
  }

  /** Answers the events that have no result yet with an error. */
  #refuse({ events, results, settle }: Appending, error: EmbeddedLogError): void {
    this.#stats.refused += events.length - results.length
    while (results.length < events.length) results.push({ error })
    settle(results)
  }
}
