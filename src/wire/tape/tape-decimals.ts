import { maxDecimals } from './tape-layout.ts'
import { powerOfTen } from './tape-time.ts'

/** The decimals of a group, of those that are packed. */
export function decimalsOf(packed: number, group: number): number {
  return (packed >> (group * 4)) & 15
}

/** The packed decimals with others for a group. */
export function withDecimals(packed: number, group: number, decimals: number): number {
  return (packed & ~(15 << (group * 4))) | (decimals << (group * 4))
}

/**
 * The whole number that a value is at so many decimals, if it is one: the value is exactly the double that is nearest to
 * the whole number divided by the power of ten. `NaN` otherwise.
 */
export function unitsOf(value: number, decimals: number): number {
  const power = powerOfTen(decimals)
  const units = Math.round(value * power)
  return units / power === value && Number.isSafeInteger(units) ? units : Number.NaN
}

/** The fewest decimals that a value is whole at; `undefined` where there are none, as of 0.1 + 0.2. */
export function decimalsFor(value: number): number | undefined {
  for (let decimals = 0; decimals <= maxDecimals; decimals++) {
    if (!Number.isNaN(unitsOf(value, decimals))) return decimals
  }
  return undefined
}
