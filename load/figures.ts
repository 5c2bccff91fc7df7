import type { Spread } from './statistics.ts'

/** The median and, where rounds differ, the lowest and highest in brackets. */
export function showSpread({ median, low, high }: Spread, digits: number): string {
  if (Number.isNaN(median)) return '–'
  const text = (value: number): string =>
    digits === 0 ? Math.round(value).toLocaleString('en-US') : value.toFixed(digits)
  return low === high ? text(median) : `${text(median)} (${text(low)}–${text(high)})`
}

/** A share of 0 to 1 in percent. */
export function percent(share: number): string {
  return Number.isNaN(share) ? '–' : `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
}
