import { setTimeout as pause } from 'node:timers/promises'
import { createLocalJWKSet, type JWTVerifyGetKey } from 'jose'
import { SlicedQueue } from '../limits/sliced-queue.ts'
import { type Clock, systemClock } from '../system/clock.ts'
import { RateLimitedLog, type WarnLog } from '../diagnostics/rate-limited-log.ts'
import { type KeySetOutcome, KeySetError, requestKeySet } from './key-set-request.ts'

/** Where a key set is and how it is read. Times are in milliseconds, with defaults for production. */
export interface KeySetOptions {
  readonly url: string
  /** How long the keys read last stay in use while no newer ones can be read; then every token is refused. */
  readonly maxStaleMs: number
  readonly log: WarnLog
  /** Limits one request. */
  readonly timeoutMs?: number
  /** The pause after a successful read before a token may cause another: strangers can name any key. */
  readonly cooldownMs?: number
  /** The pause after a failed read, during which every token that needs one is refused at once. */
  readonly pauseMs?: number
  /** The time between reads in the background; a withdrawn key ends with the next one. */
  readonly refreshMs?: number
  /** The same after a failed read. */
  readonly retryMs?: number
  readonly clock?: Clock
}

/** The part of a token's header that names its key. */
interface KeyHint {
  readonly kid?: unknown
}

/** How many tokens may wait for a read; further ones are refused at once. */
const mostWaiting = 1000
/** How many waiting tokens continue in each turn of the event loop. */
const resumedPerTurn = 16

/** The keys of one successful read. */
interface Keys {
  /** Counts from 1; changes only where the keys do. */
  readonly version: number
  readonly text: string
  readonly find: JWTVerifyGetKey
  readonly ids: ReadonlySet<string>
  readonly readAtMs: number
}

/**
 * The keys of an issuer's key set (RFC 7517 §5). The set is read again periodically, and when a token names
 * an unknown key: at most once in each `cooldownMs`, however many tokens do. While the issuer is away the
 * keys read last stay in use.
 *
 * jose's `createRemoteJWKSet` could replace the request alone: it has no bound on the response or on waiting
 * tokens, requests again for every token after a failure, and keeps no stale keys.
 */
export class KeySet {
  /** Reads since the start, by outcome. */
  readonly reads: Record<KeySetOutcome, number> = { read: 0, unreachable: 0, refused: 0, malformed: 0 }
  readonly #options: Required<Omit<KeySetOptions, 'log'>>
  readonly #log: RateLimitedLog
  readonly #continuations = new SlicedQueue(resumedPerTurn)
  readonly #stopping = new AbortController()
  readonly #startedMs: number
  #keys: Keys | undefined
  /** Why the last read failed; `undefined` after a successful one. */
  #fault: KeySetError | undefined
  #endedMs = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined
  #nextRead: Promise<void> | undefined
  #waiting = 0

  constructor(options: KeySetOptions) {
    this.#options = {
      timeoutMs: 5000,
      cooldownMs: 5000,
      pauseMs: 1000,
      refreshMs: 300_000,
      retryMs: 30_000,
      clock: systemClock,
      ...options,
    }
    this.#log = new RateLimitedLog(options.log, 60_000, this.#options.clock)
    this.#startedMs = this.#options.clock.steady()
  }

  /** The time since the set was last read; where it never was, since the start. */
  get ageMs(): number {
    return this.#options.clock.steady() - (this.#keys?.readAtMs ?? this.#startedMs)
  }

  /** Reads the set, and periodically again until `stop`. */
  start(): void {
    void this.#readPeriodically()
  }

  /** Ends reading, and aborts a read that is under way. */
  stop(): void {
    this.#stopping.abort()
  }

  /** Changes when the keys do; 0 where there are none, or they are too old. */
  get version(): number {
    return this.#keys !== undefined && this.#isFresh() ? this.#keys.version : 0
  }

  /**
   * Waits for newer keys than those of a version, which did not fit a token. Resolves to false where a read
   * brings none. A token that names a known key does not wait while no read is allowed. Rejects with a
   * `KeySetError` where the keys cannot be read.
   */
  async renew(version: number, { kid }: KeyHint): Promise<boolean> {
    const isKnown = typeof kid === 'string' && version > 0 && this.#keys?.ids.has(kid) === true
    if (this.version === version && !(isKnown && this.#restMs > 0)) await this.#waitForRead()
    if (this.version !== version) return true
    if (this.#fault !== undefined && !isKnown) throw this.#fault
    return false
  }

  /** Finds the key for a token's header among those read. */
  readonly find: JWTVerifyGetKey = (header, token) => {
    if (this.#keys === undefined || !this.#isFresh()) throw this.#fault ?? notReadError()
    return this.#keys.find(header, token)
  }

  #isFresh(): boolean {
    return this.#keys !== undefined && this.ageMs <= this.#options.maxStaleMs
  }

  /** The time until the next read is allowed, in ms. */
  get #restMs(): number {
    const { clock, pauseMs, cooldownMs } = this.#options
    return this.#endedMs + (this.#fault === undefined ? cooldownMs : pauseMs) - clock.steady()
  }

  /**
   * Waits for the read under way, or for the next one that is allowed; returns at once where that does not
   * help.
   */
  async #waitForRead(): Promise<void> {
    const restMs = this.#restMs
    if (this.#fault !== undefined && restMs > 0) return
    if (this.#waiting >= mostWaiting) {
      if (this.#isFresh()) return
      throw notReadError()
    }
    this.#waiting += 1
    try {
      await (this.#reading ?? (this.#nextRead ??= this.#readAfter(restMs)))
      await new Promise<void>(resolve => this.#continuations.enqueue(resolve))
    } finally {
      this.#waiting -= 1
    }
  }

  async #readAfter(restMs: number): Promise<void> {
    await this.#pause(restMs)
    this.#nextRead = undefined
    await this.#read()
  }

  async #readPeriodically(): Promise<void> {
    const { refreshMs, retryMs } = this.#options
    while (!this.#stopping.signal.aborted) {
      await this.#read()
      await this.#pause(this.#fault === undefined ? refreshMs : retryMs)
    }
  }

  /** Keeps at most one read under way. */
  #read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = undefined
      this.#endedMs = this.#options.clock.steady()
    })
    return this.#reading
  }

  async #readOnce(): Promise<void> {
    const { url, timeoutMs, clock } = this.#options
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(timeoutMs)])
    const readAtMs = clock.steady()
    try {
      const set = await requestKeySet(url, signal)
      const ids = new Set(set.keys.map(key => key.kid).filter(id => id !== undefined))
      const text = JSON.stringify(set)
      const former = this.#keys
      const version = former?.text === text ? former.version : (former?.version ?? 0) + 1
      this.#keys = { version, text, find: createLocalJWKSet(set), ids, readAtMs }
      this.#fault = undefined
      this.reads.read += 1
    } catch (error) {
      if (!this.#stopping.signal.aborted) this.#recordFailure(error)
    }
  }

  #recordFailure(error: unknown): void {
    const fault =
      error instanceof KeySetError
        ? error
        : new KeySetError('malformed', 'no usable key set', { cause: error })
    this.#fault = fault
    this.reads[fault.outcome] += 1
    const { host, pathname } = new URL(this.#options.url)
    this.#log.warn(
      { keySet: host + pathname, error: fault.message, ageS: Math.round(this.ageMs / 1000) },
      'the key set cannot be read; the keys read last stay in use until TICKER_JWKS_MAX_STALE_S',
    )
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping
    if (ms > 0) await pause(ms, undefined, { signal, ref: false }).catch(() => undefined)
  }
}

function notReadError(): KeySetError {
  return new KeySetError('unreachable', 'the key set has not been read yet')
}
