const latestMs = 8.64e15

/** A time in ms since 1970 as RFC 3339 has it; tokens may name times later than any date. */
export function timeOf(ms: number): string {
  return new Date(Math.min(ms, latestMs)).toISOString()
}
