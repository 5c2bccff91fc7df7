/**
 * Returns a value from outside as messages may show it: short, on one line, whatever it is. Objects are
 * named, never traversed.
 */
export function showValue(value: unknown, maxLength = 60): string {
  if (typeof value === 'string') return JSON.stringify(shorten(value, maxLength).toWellFormed())
  if (Array.isArray(value)) return value.length === 0 ? '[]' : `an array of ${value.length}`
  if (typeof value === 'object' && value !== null) return 'an object'
  return typeof value === 'function' ? 'a function' : String(value)
}

/** Returns the beginning of a long text, in whole characters. */
export function shorten(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text
  const isWithinPair = (text.codePointAt(maxLength - 1) ?? 0) > 0xffff
  return `${text.slice(0, isWithinPair ? maxLength - 1 : maxLength)}…`
}
