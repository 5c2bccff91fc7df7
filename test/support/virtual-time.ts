import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../../src/system/clock.ts'
import type { StartTimer } from '../../src/log/wake-signal.ts'

interface VirtualTimer {
  readonly atMs: number
  readonly run: () => void
}

/** Turns of the event loop after which whatever a timer started waits for the next one. */
const settlingTurns = 3

/** A clock whose timers run when a test lets time pass. */
export class VirtualTime implements Clock {
  readonly #timers = new Set<VirtualTimer>()
  #nowMs = 0
  #wallMs: number

  constructor(wallMs = Date.UTC(2026, 5, 1)) {
    this.#wallMs = wallMs
  }

  readonly steady = (): number => this.#nowMs
  readonly wall = (): number => this.#wallMs + this.#nowMs

  /** Somebody sets the wall clock. */
  set(byMs: number): void {
    this.#wallMs += byMs
  }

  readonly startTimer: StartTimer = (run, ms) => {
    const timer = { atMs: this.#nowMs + Math.max(ms, 0), run }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Lets time pass, and each timer run in its moment. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await settle()
    for (let next = this.#next(endMs); next !== undefined; next = this.#next(endMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      this.#timers.delete(next)
      next.run()
      await settle()
    }
    this.#nowMs = endMs
  }

  #next(endMs: number): VirtualTimer | undefined {
    let first: VirtualTimer | undefined
    for (const timer of this.#timers) if (timer.atMs < (first?.atMs ?? Infinity)) first = timer
    return first !== undefined && first.atMs <= endMs ? first : undefined
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < settlingTurns; turn += 1) await setImmediate()
}
