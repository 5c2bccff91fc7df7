import { MemoryUse } from './process-memory.ts'

/** `short`: nobody new is taken in. `critical`: what can be let go of is. */
export const memoryStates = ['calm', 'short', 'critical'] as const
export type MemoryState = (typeof memoryStates)[number]

/** Something that is kept in memory, and can do with less. */
export interface ShrinkingStore {
  /** What it may keep by configuration. */
  readonly fullBytes: number
  /** What it may keep now; it lets go of the rest at once. */
  limitBytes: number
  readonly counts: { readonly bytes: number }
}

/** What is wanted of sessions, and what came of it. */
export interface Relief {
  readonly sessions: number
  readonly bytes: number
}

/** Where the lines go; a Fastify logger fits. */
export interface GuardLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

export interface MemoryGuardOptions {
  /** What the process may take. */
  readonly limitBytes: number
  /** The parts of it, from 0 to 1, past which it is short, and critical. */
  readonly refuseShare: number
  readonly shedShare: number
  /** The recent events. */
  readonly window: ShrinkingStore
  /** Lets go of what can be read again. */
  readonly clear: () => void
  /** Ends sessions until so many unsent bytes go with them, those with the most first, but at most so many. */
  readonly relieve: (wanted: Relief) => Relief
  readonly log: GuardLog
  /** What the process uses now; if left out, as `MemoryUse` says. */
  readonly read?: () => number
}

export interface MemoryGuardCounts {
  /** Times that each state was entered, since start. */
  readonly changes: Record<MemoryState, number>
  /** Sessions ended for their unsent bytes. */
  endedSessions: number
}

const lookMs = 500
/** A state is left so much below where it begins. */
const slack = 0.05
/** Ended in one look at most. */
const mostEnded = 20
/** What was let go of counts as given back for so many looks: the collector, and peers that are told of their end, take their time. */
const patienceLooks = 12
/** Between two steps down of the window, and between two up. */
const shrinkLooks = 4
const restoreLooks = 60
/** The window keeps this part of its bytes at least. */
const leastShare = 1 / 16

const messages: Readonly<Record<MemoryState, string>> = {
  calm: 'memory is no longer short: sessions and resumes are taken again',
  short: 'memory is short: new sessions and resumes are refused',
  critical: 'memory is nearly used up: fewer recent events are kept, sessions with much unsent are ended',
}

/**
 * Keeps the process below what it may take, since what ends it otherwise ends every session. Past the first watermark nobody new is
 * taken in; past the second fewer recent events are kept, and the sessions with the most unsent bytes end.
 */
export class MemoryGuard {
  readonly counts: MemoryGuardCounts = { changes: { calm: 0, short: 0, critical: 0 }, endedSessions: 0 }
  readonly limitBytes: number
  readonly #options: MemoryGuardOptions
  readonly #read: () => number
  /** What was let go of lately, and may not have been given back yet. */
  readonly #released: { readonly look: number; readonly bytes: number }[] = []
  #usedBytes = 0
  #state: MemoryState = 'calm'
  #look = 0
  /** When the window was shrunk or restored, or calm began. */
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

  /** What the process used at the last look. */
  get usedBytes(): number {
    return this.#usedBytes
  }

  /** Whether new sessions and resumes are to be refused. */
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

  /** Looks at what the process takes, and acts on it; every half second between `start` and `stop`. */
  look(): void {
    this.#look++
    const used = this.#read()
    this.#usedBytes = used
    const state = this.#stateAt(used / this.limitBytes)
    if (state !== this.#state) this.#enter(state, used)
    if (state === 'critical') this.#shed(used)
    else if (state === 'calm') this.#restore(used)
  }

  /** With hysteresis: from a state the way down leads over a lower share than the way up. */
  #stateAt(share: number): MemoryState {
    const { refuseShare, shedShare } = this.#options
    if (share >= shedShare - (this.#state === 'critical' ? slack : 0)) return 'critical'
    if (share >= refuseShare - (this.#state === 'calm' ? 0 : slack)) return 'short'
    return 'calm'
  }

  #enter(state: MemoryState, usedBytes: number): void {
    const { log, clear } = this.#options
    this.#state = state
    this.counts.changes[state]++
    const fields = { state, usedBytes, limitBytes: this.limitBytes }
    if (state === 'calm') {
      this.#steppedAt = this.#look
      log.info(fields, messages[state])
    } else {
      clear()
      log.warn(fields, messages[state])
    }
  }

  /** Gives back what the process takes too much, as far as it is not on its way already. */
  #shed(usedBytes: number): void {
    const { shedShare, relieve, log } = this.#options
    let wanted = usedBytes - (shedShare - slack) * this.limitBytes - this.#onItsWay()
    if (wanted > 0) wanted -= this.#shrink()
    if (wanted <= 0) return
    const ended = relieve({ bytes: wanted, sessions: mostEnded })
    if (ended.sessions === 0) return
    this.counts.endedSessions += ended.sessions
    this.#release(ended.bytes)
    log.warn({ ...ended }, 'memory is nearly used up: sessions with much unsent were ended')
  }

  /** Halves what the window may keep; how many bytes that lets go of. */
  #shrink(): number {
    const { window, log } = this.#options
    const { limitBytes, fullBytes } = window
    const next = Math.max(Math.floor(limitBytes / 2), Math.floor(fullBytes * leastShare))
    const isTooSoon = limitBytes < fullBytes && this.#look - this.#steppedAt < shrinkLooks
    if (next >= limitBytes || isTooSoon) return 0
    this.#steppedAt = this.#look
    const { bytes } = window.counts
    window.limitBytes = next
    const released = bytes - window.counts.bytes
    this.#release(released)
    log.warn(
      { tapeBytes: next, releasedBytes: released },
      'memory is nearly used up: fewer recent events are kept',
    )
    return released
  }

  /** Doubles what the window may keep, where that leaves the process calm. */
  #restore(usedBytes: number): void {
    const { window, refuseShare, log } = this.#options
    const { limitBytes, fullBytes } = window
    if (limitBytes === fullBytes || this.#look - this.#steppedAt < restoreLooks) return
    this.#steppedAt = this.#look
    const next = Math.min(limitBytes * 2, fullBytes)
    const then = usedBytes + next - window.counts.bytes
    if (then > (refuseShare - slack) * this.limitBytes) return
    window.limitBytes = next
    log.info({ tapeBytes: next }, 'more recent events are kept again')
  }

  #release(bytes: number): void {
    this.#released.push({ look: this.#look, bytes })
  }

  #onItsWay(): number {
    while ((this.#released[0]?.look ?? this.#look) <= this.#look - patienceLooks) this.#released.shift()
    return this.#released.reduce((sum, { bytes }) => sum + bytes, 0)
  }
}
