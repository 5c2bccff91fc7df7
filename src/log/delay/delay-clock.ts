import { type Clock, readClock } from '../../system/clock.ts'

/** How much faster than the steady clock the wall clock may run. NTP corrects by 0.05 % at most. */
const fastestRate = 1.001

/**
 * A wall clock by which nothing is due too early. It follows the given one back at once, but forward at most
 * 0.1 % faster than the steady clock runs: a clock that is set forward by an hour does not give away an hour
 * of a delayed feed. The time at start is believed.
 */
export function createDelayClock(clock: Clock): Clock {
  let { wallMs: believedMs, steadyMs: readMs } = readClock(clock)
  const wall = (): number => {
    const { wallMs, steadyMs } = readClock(clock)
    believedMs = Math.min(wallMs, believedMs + (steadyMs - readMs) * fastestRate)
    readMs = steadyMs
    return believedMs
  }
  return { wall, steady: clock.steady }
}
