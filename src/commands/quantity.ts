const numbers = new Intl.NumberFormat('en-US')

/** `1234567` as `1,234,567`. */
export function describeNumber(value: number): string {
  return numbers.format(value)
}

/** `1 line`, `1,234 lines`. */
export function describeCount(count: number, one: string): string {
  return `${describeNumber(count)} ${one}${count === 1 ? '' : 's'}`
}

/** Describes a duration in at most two units: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function describeDuration(durationMs: number): string {
  const seconds = durationMs / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${describeNumber(Math.floor(whole / 3600))} h ${Math.floor((whole % 3600) / 60)} min`
}
