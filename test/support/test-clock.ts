import type { Clock } from '../../src/system/clock.ts'

/** A clock that reads the same time on both of its faces. */
export function clockOf(nowMs: () => number): Clock {
  return { wall: nowMs, steady: nowMs }
}

/** A clock that stands until the test moves it. */
export class TestClock implements Clock {
  #wallMs: number
  #steadyMs = 60_000

  constructor(wallMs = 1_800_000_000_000) {
    this.#wallMs = wallMs
  }

  readonly wall = (): number => this.#wallMs
  readonly steady = (): number => this.#steadyMs

  /** Lets time pass. */
  pass(ms: number): void {
    this.#wallMs += ms
    this.#steadyMs += ms
  }

  /** Somebody sets the wall clock. */
  set(byMs: number): void {
    this.#wallMs += byMs
  }
}
