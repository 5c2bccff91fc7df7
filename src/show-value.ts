/** A value from outside as a message may show it: short, in one line, whatever it is. Objects are named, never walked. */
export function showValue(value: unknown, maxLength = 60): string {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > maxLength ? `${value.slice(0, maxLength)}…` : value)
  }
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  return String(value)
}
