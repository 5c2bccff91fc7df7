/**
 * The time. `wall` is in ms since 1970 and may be set at any moment, by hours and back again; `steady` is in
 * ms on a monotonic clock. Durations and ages use the steady one.
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
 * Returns when a record was written, on the steady clock, from its timestamp in ms since 1970 and its age by
 * the wall clock now. A producer's clock, or its unit, may be wrong, so nothing counts as newer than now.
 * `-Infinity` where the record has no timestamp.
 */
export function writtenAt(timestampMs: number, { wallMs, steadyMs }: Moment): number {
  return timestampMs > 0 ? steadyMs - Math.max(0, wallMs - timestampMs) : -Infinity
}

/** Converts a time on the steady clock to ms since 1970, by the wall clock now. */
export function wallTimeOf(ms: number, { wallMs, steadyMs }: Moment): number {
  return wallMs - (steadyMs - ms)
}
