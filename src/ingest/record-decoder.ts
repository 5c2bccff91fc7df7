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
import { EventFault, type FieldRepair, parseEvent } from '../event/parse-event.ts'
import { type PeekedItem, peekItem } from '../event/peek-item.ts'
import type { LogBatch, LogRecord, Partition } from '../log/event-log.ts'
import { RateLimitedLog, type WarnLog } from '../diagnostics/rate-limited-log.ts'
import { messageOf } from '../diagnostics/ticker-error.ts'
import { misfitOf } from './decoder-module.ts'

export interface RecordDecoderOptions {
  readonly decoder: Decoder
  /** A larger value is poison. */
  readonly maxEventBytes: number
  readonly logger: WarnLog
  /**
   * Whether a module that fails to prepare is to be asked again, at most for a minute: at start a schema registry that is away would make
   * poison of everything that is looked back to. Never, if left out.
   */
  readonly isPatient?: () => boolean
}

const patienceMs = 60_000
const retryMs = 500

/** An event out of a record. */
export interface DecodedRecord {
  readonly event: MarketEvent
  /** The record's value, where it is the event's JSON just as it may be passed on; a view. */
  readonly json: Buffer | undefined
  /** What of the event was lost when it was mended. */
  readonly repairs: readonly FieldRepair[]
}

const noRepairs: readonly FieldRepair[] = []

/** Makes events of records: a decoder's values, checked. */
export class RecordDecoder {
  readonly #options: RecordDecoderOptions
  readonly #warnings: RateLimitedLog
  #trouble: string | undefined
  #patientUntilMs: number | undefined
  readonly #fastParser = new FastEventParser()
  /** By partition, of which a log has one object each. */
  readonly #sources = new WeakMap<Partition, RecordSource>()

  constructor(options: RecordDecoderOptions) {
    this.#options = options
    this.#warnings = new RateLimitedLog(options.logger)
  }

  /** The item of a record's event, if it has one, where that is quickly said; not by its key, which may be anything. */
  peek(record: LogRecord): PeekedItem | undefined {
    return record.value !== null && this.#isJson(record) ? peekItem(record.value) : undefined
  }

  /** Why the module failed to prepare the last batch. */
  get trouble(): string | undefined {
    return this.#trouble && `the decoder module failed to prepare a batch: ${this.#trouble}`
  }

  /**
   * To be awaited before the records of some batches are decoded. Never rejects: what the module throws is logged. Ends when the signal
   * aborts, also where the module does not.
   */
  async prepare(batches: readonly LogBatch[], signal: AbortSignal): Promise<void> {
    if (this.#options.decoder.prepare === undefined) return
    const ended = new AbortController()
    const aborted = once(signal, 'abort', { signal: ended.signal }).catch(() => undefined)
    if (!signal.aborted) await Promise.race([this.#prepare(batches, signal), aborted])
    ended.abort()
  }

  async #prepare(batches: readonly LogBatch[], signal: AbortSignal): Promise<void> {
    const { decoder, isPatient = () => false } = this.#options
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
        this.#patientUntilMs ??= performance.now() + patienceMs
        if (!isPatient() || performance.now() > this.#patientUntilMs) return
      }
      await pause(retryMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** The event; `undefined` for a record that the decoder passes over; why it is poison. */
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
      const misfit = decoder === defaultDecoder ? undefined : misfitOf(value)
      if (misfit !== undefined) return new EventFault('decoder', { field: 'value', rule: misfit })
      let repairs = noRepairs
      const event = parseEvent(value, repair => {
        repairs = [...repairs, repair]
      })
      if (event instanceof EventFault) return event
      if (isJson) this.#fastParser.learn(event)
      return { event, json: undefined, repairs }
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

/** The built-in decoder's and a module's own words may be logged; those of a module's JSON.parse quote the record. */
function faultOf(error: unknown): EventFault {
  const isQuoting = error instanceof SyntaxError && !(error instanceof RecordSyntaxError)
  const rule = isQuoting
    ? 'the decoder module threw a SyntaxError, which may quote the record'
    : messageOf(error)
  return new EventFault(error instanceof SyntaxError ? 'syntax' : 'decoder', { field: 'value', rule })
}
