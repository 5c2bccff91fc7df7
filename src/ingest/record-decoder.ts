import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import {
  decodeBuiltIn,
  type Decoder,
  defaultDecoder,
  isMessagePack,
  type RecordSource,
  RecordSyntaxError,
} from '../event/decoder.ts'
import type { MarketEvent } from '../event/event.ts'
import { FastEventParser } from '../event/fast-event-parser.ts'
import { copyEvent, EventFault, type FieldRepair, parseEvent } from '../event/parse-event.ts'
import { peekTimeMs } from '../event/event-time.ts'
import { type PeekedItem, peekItem } from '../event/peek-item.ts'
import type { LogBatch, LogRecord, Partition } from '../log/event-log.ts'
import { RateLimitedLog, type WarnLog } from '../diagnostics/rate-limited-log.ts'
import { type Clock, systemClock } from '../system/clock.ts'
import { messageOf } from '../diagnostics/ticker-error.ts'
import { invalidResultOf } from './decoder-module.ts'

export interface RecordDecoderOptions {
  readonly decoder: Decoder
  /** A larger value is poison. */
  readonly maxEventBytes: number
  readonly logger: WarnLog
  readonly clock?: Clock
  /**
   * Whether to retry when the decoder module fails to prepare, for a minute at most; never, if left out. At
   * start, an unreachable schema registry would make poison of everything that is looked back to.
   */
  readonly isRetrying?: () => boolean
}

const retryForMs = 60_000
const retryMs = 500

/** The event of a record. */
export interface DecodedRecord {
  readonly event: MarketEvent
  /** The record's value, where it is the event's JSON fit to be passed on; a view. */
  readonly json: Buffer | undefined
  /** The repairs of the event. */
  readonly repairs: readonly FieldRepair[]
}

const noRepairs: readonly FieldRepair[] = []

/** Makes events of records: decodes them and checks the result. */
export class RecordDecoder {
  readonly #options: RecordDecoderOptions
  readonly #warnings: RateLimitedLog
  readonly #clock: Clock
  #trouble: string | undefined
  #retryUntilMs: number | undefined
  readonly #fastParser = new FastEventParser()
  /** By partition; a log has one object for each. */
  readonly #sources = new WeakMap<Partition, RecordSource>()

  constructor(options: RecordDecoderOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#warnings = new RateLimitedLog(options.logger)
  }

  /**
   * Returns the item of a record's event where that is cheap to find. The key does not count: it may be
   * anything.
   */
  peek(record: LogRecord): PeekedItem | undefined {
    return record.value !== null && this.#isJson(record) ? peekItem(record.value) : undefined
  }

  /** Returns the time of a record's event, in ms since 1970, where that is cheap to find. */
  peekTimeMs(record: LogRecord): number | undefined {
    return record.value !== null && this.#isJson(record) ? peekTimeMs(record.value) : undefined
  }

  /** Why the decoder module failed to prepare the last batch. */
  get trouble(): string | undefined {
    return this.#trouble && `the decoder module failed to prepare a batch: ${this.#trouble}`
  }

  /**
   * Prepares batches; to be awaited before their records are decoded. Never rejects: errors of the module are
   * logged. Ends when the signal aborts, even if the module does not.
   */
  async prepare(batches: readonly LogBatch[], signal: AbortSignal): Promise<void> {
    if (this.#options.decoder.prepare === undefined) return
    const ended = new AbortController()
    const aborted = once(signal, 'abort', { signal: ended.signal }).catch(() => undefined)
    if (!signal.aborted) await Promise.race([this.#prepare(batches, signal), aborted])
    ended.abort()
  }

  async #prepare(batches: readonly LogBatch[], signal: AbortSignal): Promise<void> {
    const { decoder, isRetrying = () => false } = this.#options
    while (!signal.aborted) {
      try {
        for (const { records, partition } of batches) {
          await decoder.prepare?.(records, this.#sourceOf(partition))
        }
        this.#trouble = undefined
        return
      } catch (error) {
        this.#trouble = messageOf(error)
        this.#warnings.warn({ error: this.#trouble }, 'the decoder module failed to prepare a batch')
        this.#retryUntilMs ??= this.#clock.steady() + retryForMs
        if (!isRetrying() || this.#clock.steady() > this.#retryUntilMs) return
      }
      await pause(retryMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Returns the event, `undefined` for a record that the decoder ignores, or why the record is poison. */
  decode(record: LogRecord, partition: Partition): DecodedRecord | EventFault | undefined {
    const { decoder, maxEventBytes } = this.#options
    const bytes = record.value?.length ?? 0
    if (bytes > maxEventBytes) {
      return new EventFault('size', {
        field: 'bytes',
        value: bytes,
        rule: `at most ${maxEventBytes} (TICKER_MAX_EVENT_BYTES)`,
      })
    }
    const isJson = this.#isJson(record)
    const parsed = isJson && record.value !== null ? this.#fastParser.parse(record.value) : undefined
    if (parsed !== undefined) return { event: parsed, json: record.value ?? undefined, repairs: noRepairs }
    try {
      const value = decoder.decode(record, this.#sourceOf(partition))
      if (value === undefined) return undefined
      const fault = decoder === defaultDecoder ? undefined : invalidResultOf(value)
      if (fault !== undefined) return new EventFault('decoder', { field: 'value', rule: fault })
      let repairs = noRepairs
      const event = parseEvent(value, repair => {
        repairs = [...repairs, repair]
      })
      if (event instanceof EventFault) return event
      if (isJson) this.#fastParser.learn(event)
      // A module may return the same object for every record.
      const own = decoder === defaultDecoder ? event : copyEvent(event)
      return { event: own, json: undefined, repairs }
    } catch (error) {
      return faultOf(error)
    }
  }

  #isJson(record: LogRecord): boolean {
    return this.#options.decoder === defaultDecoder && !isMessagePack(record)
  }

  #sourceOf(partition: Partition): RecordSource {
    const known = this.#sources.get(partition)
    if (known !== undefined) return known
    const { topic, partition: number } = partition
    const source = { topic, partition: number, decodeBuiltIn }
    this.#sources.set(partition, source)
    return source
  }
}

/**
 * Messages of the built-in decoder and of a module may be logged; those of a module's JSON.parse quote the
 * record.
 */
function faultOf(error: unknown): EventFault {
  const isQuoting = error instanceof SyntaxError && !(error instanceof RecordSyntaxError)
  const rule = isQuoting
    ? 'the decoder module threw a SyntaxError, which may quote the record'
    : messageOf(error)
  return new EventFault(error instanceof SyntaxError ? 'syntax' : 'decoder', { field: 'value', rule })
}
