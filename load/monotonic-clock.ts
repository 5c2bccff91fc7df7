/** Microseconds of the clock that all processes of a machine share (`CLOCK_MONOTONIC`): fits an event's integer id. */
export function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n)
}
