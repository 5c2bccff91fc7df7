const date = '\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])'
const clock = '(?:[01]\\d|2[0-3]):[0-5]\\d'
const fraction = '(?:\\.\\d{1,9})?'
const common = `${date}T${clock}:[0-5]\\d${fraction}(?:Z|[+-]${clock})`
const leapSecond = `${date}T23:59:60${fraction}Z`

/**
 * An RFC 3339 date and time with `T`, at most nine fraction digits, and `Z` or an offset; or a leap second in
 * UTC. Does not check that the day exists.
 */
export const timePattern = `^(?:${common}|${leapSecond})$`

const pattern = new RegExp(timePattern)

/** Whether a text is an RFC 3339 time in upper case, of a day that exists. */
export function isTime(text: string): boolean {
  return pattern.test(text) && (text.charCodeAt(8) < 50 || dayExists(text))
}

/** Whether a valid time lies in a leap second, which seconds since 1970 cannot express. */
export function isLeapSecond(time: string): boolean {
  return time.charCodeAt(17) === 0x36
}

/** Whether the day exists. Only needed from the 20th on: all days before exist in every month. */
function dayExists(text: string): boolean {
  const day = Number(text.slice(8, 10))
  if (day <= 28) return true
  const year = Number(text.slice(0, 4))
  const month = Number(text.slice(5, 7))
  const last = new Date(0)
  last.setUTCFullYear(year, month, 0)
  return day <= last.getUTCDate()
}
