/** Checks of what comes from another process; each is true where the value is as it says. */

export type Members = Readonly<Record<string, unknown>>

/** Whether a value is an object with members, not a list. */
export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** So long texts may be, where nothing else is said. */
export const mostText = 512

/** Whether a value is text of up to so many characters. */
export function text(value: unknown, longest = mostText): value is string {
  return typeof value === 'string' && value.length <= longest
}

/** Whether a value is a whole number from 0. */
export function count(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** Whether a value is a number from 0, a fraction perhaps. */
export function amount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0
}

/** Whether a value is absent or passes a check. */
export function absentOr(check: (value: unknown) => boolean): (value: unknown) => boolean {
  return value => value === undefined || check(value)
}

/** Whether a value is a list of at most so many, each of which passes a check. */
export function list<Part>(
  value: unknown,
  most: number,
  check: (part: unknown) => part is Part,
): value is readonly Part[] {
  return Array.isArray(value) && value.length <= most && value.every(check)
}

/** Whether every named member passes its check, and there is no other. */
export function hasShape(
  value: unknown,
  checks: Readonly<Record<string, (member: unknown) => boolean>>,
): boolean {
  if (!isMembers(value)) return false
  return (
    Object.keys(value).every(name => name in checks) &&
    Object.entries(checks).every(([name, check]) => check(value[name]))
  )
}
