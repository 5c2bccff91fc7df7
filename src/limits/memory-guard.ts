import { MemoryUse } from './process-memory.ts'

/** `short`: new sessions are refused. `critical`: memory is freed. */
export const memoryStates = ['calm', 'short', 'critical'] as const
type MemoryState = (typeof memoryStates)[number]

/** A store in memory that can shrink. */
interface ShrinkingStore {
  /** Its size as configured. */
  readonly fullBytes: number
  /** Its present limit. Lowering it frees the rest at once. */
  limitBytes: number
  readonly counts: { readonly bytes: number }
}

/** Sessions to end and bytes to free; or how many were. */
export interface SheddingAmount {
  readonly sessions: number
  readonly bytes: number
}

/** The part of a logger that the guard needs; a Fastify logger fits. */
export interface GuardLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface MemoryGuardOptions {
  /** The memory that the process may take. */
  readonly limitBytes: number
  /** The parts of it, from 0 to 1, above which memory is short, and critical. */
  readonly refuseShare: number
  readonly shedShare: number
  /** The recent events of each feed; all have the same size as configured. */
  readonly windows: readonly ShrinkingStore[]
  /** Empties the caches whose content can be read again. */
  readonly clearCaches: () => void
  /** Ends sessions, those with the most unsent bytes first, until either of the wanted numbers is reached. */
  readonly endSessions: (wanted: SheddingAmount) => SheddingAmount
  readonly log: GuardLog
  /** Reads the memory that the process uses; `MemoryUse` by default. */
  readonly read?: () => number
}

interface MemoryGuardCounts {
  /** How often each state was entered since the start. */
  readonly changes: Record<MemoryState, number>
  /** Sessions that were ended for their unsent bytes. */
  endedSessions: number
}

const lookMs = 500
/** A state ends this far below the share at which it begins. */
const hysteresis = 0.05
/** Sessions ended in one look at most. */
const maxEndedSessions = 20
/**
 * How many looks freed memory is counted as already returned: garbage collection, and peers that are being
 * closed, take their time.
 */
const releaseLooks = 12
/** Looks between two steps down of the windows, and between two steps up. */
const shrinkLooks = 4
const restoreLooks = 60
/** The smallest part of its configured bytes that a window keeps. */
const leastShare = 1 / 16

const messages: Readonly<Record<MemoryState, string>> = {
  calm: 'memory is no longer short: sessions and resumes are accepted again',
  short: 'memory is short: new sessions and resumes are refused',
  critical: 'memory is nearly used up: fewer recent events are kept, sessions with many unsent bytes end',
}

/**
 * Keeps the process within its memory, because running out would end every session. Above the first watermark
 * new sessions are refused. Above the second fewer recent events are kept, and the sessions with the most
 * unsent bytes end.
 */
export class MemoryGuard {
  readonly counts: MemoryGuardCounts = { changes: { calm: 0, short: 0, critical: 0 }, endedSessions: 0 }
  readonly limitBytes: number
  readonly #options: MemoryGuardOptions
  readonly #read: () => number
  /** Memory that was freed lately, and may not have been returned to the system yet. */
  readonly #released: { readonly look: number; readonly bytes: number }[] = []
  #usedBytes = 0
  #state: MemoryState = 'calm'
  #look = 0
  /** The look at which the windows were last resized, or memory became calm. */
  #steppedAt = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: MemoryGuardOptions) {
    this.#options = options
    this.limitBytes = options.limitBytes
    const use = new MemoryUse()
    this.#read = options.read ?? (() => use.read())
  }

  get state(): MemoryState {
    return this.#state
  }

  /** The memory that the process used at the last look. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Whether new sessions and resumes are refused. */
  get isShort(): boolean {
    return this.#state !== 'calm'
  }

  start(): void {
    this.#timer ??= setInterval(() => this.look(), lookMs)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Reads the memory in use and acts on it; called every half second between `start` and `stop`. */
  look(): void {
    this.#look++
    const used = this.#read()
    this.#usedBytes = used
    const state = this.#stateAt(used / this.limitBytes)
    if (state !== this.#state) this.#enter(state, used)
    if (state === 'critical') this.#shed(used)
    else if (state === 'calm') this.#restore(used)
  }

  /**
   * Returns the state for a share, with hysteresis: a state ends at a lower share than the one at which it
   * begins.
   */
  #stateAt(share: number): MemoryState {
    const { refuseShare, shedShare } = this.#options
    if (share >= shedShare - (this.#state === 'critical' ? hysteresis : 0)) return 'critical'
    if (share >= refuseShare - (this.#state === 'calm' ? 0 : hysteresis)) return 'short'
    return 'calm'
  }

  #enter(state: MemoryState, usedBytes: number): void {
    const { log, clearCaches } = this.#options
    this.#state = state
    this.counts.changes[state]++
    const fields = { state, usedBytes, limitBytes: this.limitBytes }
    if (state === 'calm') {
      this.#steppedAt = this.#look
      log.info(fields, messages[state])
    } else {
      clearCaches()
      log.warn(fields, messages[state])
    }
  }

  /** Frees the excess memory of the process, less the part that is being freed already. */
  #shed(usedBytes: number): void {
    const { shedShare, endSessions, log } = this.#options
    let wanted = usedBytes - (shedShare - hysteresis) * this.limitBytes - this.#pendingBytes()
    if (wanted > 0) wanted -= this.#shrink()
    if (wanted <= 0) return
    const ended = endSessions({ bytes: wanted, sessions: maxEndedSessions })
    if (ended.sessions === 0) return
    this.counts.endedSessions += ended.sessions
    this.#release(ended.bytes)
    log.warn({ ...ended }, 'memory is nearly used up: sessions with many unsent bytes were ended')
  }

  /** Halves the limit of every window. Returns how many bytes that frees. */
  #shrink(): number {
    const { log } = this.#options
    const { limitBytes, fullBytes } = this.#windowLimits
    const next = Math.max(Math.floor(limitBytes / 2), Math.floor(fullBytes * leastShare))
    const isTooSoon = limitBytes < fullBytes && this.#look - this.#steppedAt < shrinkLooks
    if (next >= limitBytes || isTooSoon) return 0
    this.#steppedAt = this.#look
    const before = this.#windowBytes
    this.#limitWindows(next)
    const released = before - this.#windowBytes
    this.#release(released)
    log.warn(
      { tapeBytes: next, releasedBytes: released },
      'memory is nearly used up: fewer recent events are kept',
    )
    return released
  }

  /** Doubles the limit of every window where memory stays calm with it. */
  #restore(usedBytes: number): void {
    const { windows, refuseShare, log } = this.#options
    const { limitBytes, fullBytes } = this.#windowLimits
    if (limitBytes === fullBytes || this.#look - this.#steppedAt < restoreLooks) return
    this.#steppedAt = this.#look
    const next = Math.min(limitBytes * 2, fullBytes)
    const then = usedBytes + next * windows.length - this.#windowBytes
    if (then > (refuseShare - hysteresis) * this.limitBytes) return
    this.#limitWindows(next)
    log.info({ tapeBytes: next }, 'more recent events are kept again')
  }

  /** The limits that every window has: all are resized together. */
  get #windowLimits(): Pick<ShrinkingStore, 'limitBytes' | 'fullBytes'> {
    const [window = { limitBytes: 0, fullBytes: 0 }] = this.#options.windows
    return window
  }

  get #windowBytes(): number {
    return this.#options.windows.reduce((sum, { counts }) => sum + counts.bytes, 0)
  }

  #limitWindows(bytes: number): void {
    for (const window of this.#options.windows) window.limitBytes = bytes
  }

  #release(bytes: number): void {
    this.#released.push({ look: this.#look, bytes })
  }

  #pendingBytes(): number {
    while ((this.#released[0]?.look ?? this.#look) <= this.#look - releaseLooks) this.#released.shift()
    return this.#released.reduce((sum, { bytes }) => sum + bytes, 0)
  }
}
