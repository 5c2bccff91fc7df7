import { setTimeout as pause } from 'node:timers/promises'
import { createLocalJWKSet, type JWTVerifyGetKey } from 'jose'
import { SlicedQueue } from '../limits/sliced-queue.ts'
import { RateLimitedLog, type WarnLog } from '../diagnostics/rate-limited-log.ts'
import { type KeySetOutcome, KeySetError, requestKeySet } from './key-set-request.ts'

/** Where a key set is and how it is read; times in milliseconds, with defaults for production. */
export interface KeySetOptions {
  readonly url: string
  /** How long the last set that was read is used while no newer one can be; then every token is refused. */
  readonly maxStaleMs: number
  readonly log: WarnLog
  /** For one request. */
  readonly timeoutMs?: number
  /** After a good answer, until when no token makes us ask again: strangers can name any key. */
  readonly cooldownMs?: number
  /** After a failed request, for how long every token that needs one is refused at once. */
  readonly pauseMs?: number
  /** Between reads in the background; a withdrawn key ends with the next one. */
  readonly refreshMs?: number
  /** The same after a failure. */
  readonly retryMs?: number
  /** On a clock that only goes on. */
  readonly now?: () => number
}

/** What a token's header says of its key. */
export interface KeyHint {
  readonly kid?: unknown
}

/** So many tokens may wait for a read that they made necessary; further ones are refused at once. */
const mostWaiting = 1000
/** Those that have waited go on a few in each turn of the event loop. */
const resumedPerTurn = 16

/** The keys of one good answer. */
interface Keys {
  /** From 1 on; that of the answer before if it had the same keys. */
  readonly version: number
  readonly text: string
  readonly find: JWTVerifyGetKey
  readonly ids: ReadonlySet<string>
  readonly readAtMs: number
}

/**
 * The keys of an issuer's key set (RFC 7517 §5), read again now and then, and when a token names an unknown key: at most once for
 * each `cooldownMs`, however many do. While the issuer is away the last set that was read goes on.
 */
export class KeySet {
  /** Reads since start, by how they went. */
  readonly reads: Record<KeySetOutcome, number> = { read: 0, unreachable: 0, refused: 0, malformed: 0 }
  readonly #options: Required<Omit<KeySetOptions, 'log'>>
  readonly #log: RateLimitedLog
  readonly #turns = new SlicedQueue(resumedPerTurn)
  readonly #stopping = new AbortController()
  readonly #startedMs: number
  #keys: Keys | undefined
  /** Why the last read failed; `undefined` after a good one. */
  #fault: KeySetError | undefined
  #endedMs = Number.NEGATIVE_INFINITY
  #reading: Promise<void> | undefined
  #next: Promise<void> | undefined
  #waiting = 0

  constructor(options: KeySetOptions) {
    this.#options = {
      timeoutMs: 5000,
      cooldownMs: 5000,
      pauseMs: 1000,
      refreshMs: 300_000,
      retryMs: 30_000,
      now: () => performance.now(),
      ...options,
    }
    this.#log = new RateLimitedLog(options.log, 60_000)
    this.#startedMs = this.#options.now()
  }

  /** How long ago the set was read; where it never was, since when that has been tried. */
  get ageMs(): number {
    return this.#options.now() - (this.#keys?.readAtMs ?? this.#startedMs)
  }

  /** Reads the set, and again and again until `stop`. */
  start(): void {
    void this.#readOn()
  }

  /** Ends reading, also that under way. */
  stop(): void {
    this.#stopping.abort()
  }

  /** Changes with the keys; 0 where there are none, or none any more. */
  get version(): number {
    return this.#keys !== undefined && this.#isFresh() ? this.#keys.version : 0
  }

  /**
   * Resolves when there are newer keys than those of a version, which did not fit a token, or none after a read; whether there are. Who
   * names a key that is at hand does not wait for its turn to read. Rejects with a `KeySetError` where it cannot be known.
   */
  async renew(version: number, { kid }: KeyHint): Promise<boolean> {
    const isKnown = typeof kid === 'string' && version > 0 && this.#keys?.ids.has(kid) === true
    if (this.version === version && !(isKnown && this.#restMs > 0)) await this.#waitForRead()
    if (this.version !== version) return true
    if (this.#fault !== undefined && !isKnown) throw this.#fault
    return false
  }

  /** The key for a token's header, among those at hand. */
  readonly find: JWTVerifyGetKey = (header, token) => {
    if (this.#keys === undefined || !this.#isFresh()) throw this.#fault ?? notRead()
    return this.#keys.find(header, token)
  }

  #isFresh(): boolean {
    return this.#keys !== undefined && this.ageMs <= this.#options.maxStaleMs
  }

  /** Until the next request may be made. */
  get #restMs(): number {
    const { now, pauseMs, cooldownMs } = this.#options
    return this.#endedMs + (this.#fault === undefined ? cooldownMs : pauseMs) - now()
  }

  /** Waits for a read that began, or begins, as soon as another is allowed; not where that does not help. */
  async #waitForRead(): Promise<void> {
    const restMs = this.#restMs
    if (this.#fault !== undefined && restMs > 0) return
    if (this.#waiting >= mostWaiting) {
      if (this.#isFresh()) return
      throw notRead()
    }
    this.#waiting += 1
    try {
      await (this.#reading ?? (this.#next ??= this.#readAfter(restMs)))
      await new Promise<void>(resolve => this.#turns.begin(resolve))
    } finally {
      this.#waiting -= 1
    }
  }

  async #readAfter(restMs: number): Promise<void> {
    await this.#pause(restMs)
    this.#next = undefined
    await this.#read()
  }

  async #readOn(): Promise<void> {
    const { refreshMs, retryMs } = this.#options
    while (!this.#stopping.signal.aborted) {
      await this.#read()
      await this.#pause(this.#fault === undefined ? refreshMs : retryMs)
    }
  }

  /** At most one request is under way at a time. */
  #read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = undefined
      this.#endedMs = this.#options.now()
    })
    return this.#reading
  }

  async #readOnce(): Promise<void> {
    const { url, timeoutMs, now } = this.#options
    const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(timeoutMs)])
    const readAtMs = now()
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
      if (!this.#stopping.signal.aborted) this.#failed(error)
    }
  }

  #failed(error: unknown): void {
    const fault =
      error instanceof KeySetError
        ? error
        : new KeySetError('malformed', 'no usable key set', { cause: error })
    this.#fault = fault
    this.reads[fault.outcome] += 1
    const { host, pathname } = new URL(this.#options.url)
    this.#log.warn(
      { keySet: host + pathname, error: fault.message, ageS: Math.round(this.ageMs / 1000) },
      'the key set cannot be read; the keys read last go on until TICKER_JWKS_MAX_STALE_S',
    )
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping
    if (ms > 0) await pause(ms, undefined, { signal, ref: false }).catch(() => undefined)
  }
}

function notRead(): KeySetError {
  return new KeySetError('unreachable', 'the key set has not been read yet')
}
