/** The options that every scenario has, for `parseArgs`. */
export const commonOptions = {
  rounds: { type: 'string' },
  json: { type: 'string' },
  kafka: { type: 'string' },
  quick: { type: 'boolean', default: false },
} as const

/** Reads a whole number of 1 or more. Throws an error that names the option, the value and the rule. */
export function wholeOption(option: string, text: string, highest: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (value >= 1 && value <= highest) return value
  throw new Error(`${option} ${text}: expected a whole number, 1 to ${highest}`)
}
