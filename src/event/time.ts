const date = '\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])'
const clock = '(?:[01]\\d|2[0-3]):[0-5]\\d'
const fraction = '(?:\\.\\d{1,9})?'
const common = `${date}T${clock}:[0-5]\\d${fraction}(?:Z|[+-]${clock})`
const leapSecond = `${date}T23:59:60${fraction}Z`

/**
 * RFC 3339 date and time with `T`, up to nine fraction digits, and `Z` or an offset; a leap second in UTC.
 * The day may still be too large.
 */
export const timePattern = `^(?:${common}|${leapSecond})$`

const pattern = new RegExp(timePattern)

/** Whether the text is an RFC 3339 time of a day that exists; lower case is refused. */
export function isTime(text: string): boolean {
  return pattern.test(text) && (text.charCodeAt(8) < 50 || dayExists(text))
}

/** Whether the second of a valid time is a leap second, which counts of seconds since 1970 cannot say. */
export function isLeapSecond(time: string): boolean {
  return time.charCodeAt(17) === 0x36
}

/** Days up to the 19th exist in every month; from the 20th on the calendar is asked. */
function dayExists(text: string): boolean {
  const day = Number(text.slice(8, 10))
  if (day <= 28) return true
  const year = Number(text.slice(0, 4))
  const month = Number(text.slice(5, 7))
  const last = new Date(0)
  last.setUTCFullYear(year, month, 0)
  return day <= last.getUTCDate()
}
