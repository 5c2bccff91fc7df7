/**
 * What time it is: `wall` in ms since 1970, which may be set at any moment, by hours and back again; `steady` in ms on a clock that only
 * goes on. What is kept for a while is kept on the steady one.
 */
export interface Clock {
  readonly wall: () => number
  readonly steady: () => number
}

export const systemClock: Clock = { wall: () => Date.now(), steady: () => performance.now() }

/** One moment on both clocks. */
export interface Moment {
  readonly wallMs: number
  readonly steadyMs: number
}

export function readClock({ wall, steady }: Clock): Moment {
  return { wallMs: wall(), steadyMs: steady() }
}

/**
 * When a record was written, on the steady clock, from its timestamp in ms since 1970: before now by its age as of now. A producer's
 * clock, or its unit, may be wrong: nothing is newer than now. `-Infinity` where the record has no timestamp.
 */
export function writtenAt(timestampMs: number, { wallMs, steadyMs }: Moment): number {
  return timestampMs > 0 ? steadyMs - Math.max(0, wallMs - timestampMs) : -Infinity
}

/** A time on the steady clock, in ms since 1970 as of now. */
export function wallTimeOf(ms: number, { wallMs, steadyMs }: Moment): number {
  return wallMs - (steadyMs - ms)
}
