/** Prices have six fraction digits at most, as a rule: whole millionths then fit into a number. */
const scale = 1e6
/** Two decimals of at most 15 digits are never the same number, so that millionths below this are exact. */
const maxExact = 1e15

/*
 * The arithmetic is that of the decimals as they were written: 10.03 - 10.01 is 0.02. Each result is exact,
 * and then the nearest number, as if its decimal had been read from JSON; so it may be compared with one.
 */

/** Returns `a - b`. */
export function difference(a: number, b: number): number {
  const first = Math.round(a * scale)
  const second = Math.round(b * scale)
  if (isExact(first, a) && isExact(second, b)) return (first - second) / scale
  const exponent = Math.min(decimalOf(a).exponent, decimalOf(b).exponent)
  return numberOf({ digits: digitsAt(a, exponent) - digitsAt(b, exponent), exponent })
}

/** Returns `(a + b) / 2`. */
export function middle(a: number, b: number): number {
  const first = Math.round(a * scale)
  const second = Math.round(b * scale)
  if (isExact(first, a) && isExact(second, b)) return (first + second) / (2 * scale)
  const exponent = Math.min(decimalOf(a).exponent, decimalOf(b).exponent)
  const sum = digitsAt(a, exponent) + digitsAt(b, exponent)
  return numberOf({ digits: sum * 5n, exponent: exponent - 1 })
}

/** Returns `a * b`. */
export function product(a: number, b: number): number {
  const first = Math.round(a * scale)
  // Sizes are whole, as a rule.
  if (Number.isInteger(b) && isExact(first, a)) {
    const scaled = first * b
    if (Number.isSafeInteger(scaled)) return scaled / scale
  }
  const left = decimalOf(a)
  const right = decimalOf(b)
  return numberOf({ digits: left.digits * right.digits, exponent: left.exponent + right.exponent })
}

function isExact(millionths: number, value: number): boolean {
  return millionths / scale === value && millionths <= maxExact && millionths >= -maxExact
}

/** `digits` times ten to the power of `exponent`. */
interface Decimal {
  readonly digits: bigint
  readonly exponent: number
}

/** Returns the shortest decimal that is read as a number. */
function decimalOf(value: number): Decimal {
  const [mantissa = '', power = '0'] = String(value).split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  return { digits: BigInt(whole + fraction), exponent: Number(power) - fraction.length }
}

function digitsAt(value: number, exponent: number): bigint {
  const decimal = decimalOf(value)
  return decimal.digits * 10n ** BigInt(decimal.exponent - exponent)
}

function numberOf({ digits, exponent }: Decimal): number {
  return Number(`${digits}e${exponent}`)
}
