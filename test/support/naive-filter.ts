import type { MarketEvent } from '../../src/event/event.ts'

type Fields = Readonly<Record<string, unknown>>

/**
 * Whether an event passes a filter, by the words of PROTOCOL.md: slow, obvious, and written without a look at
 * the gateway's own. The filter is a valid one of the event's channel.
 */
export function passesNaively(filter: object, event: MarketEvent): boolean {
  return Object.entries(filter).every(([name, content]: [string, unknown]) => {
    if (name === 'all') return filtersIn(content).every(part => passesNaively(part, event))
    if (name === 'any') return filtersIn(content).some(part => passesNaively(part, event))
    if (name === 'not') return !passesNaively(content as object, event)
    const value = valueOf(event, name)
    return Object.entries(content as Fields).every(([operator, operand]) => holds(operator, value, operand))
  })
}

function filtersIn(content: unknown): readonly object[] {
  return content as readonly object[]
}

/** A derived value is computed as a decimal, and is then the number that its text is read as. */
function valueOf(event: MarketEvent, name: string): unknown {
  const field = (of: string): unknown => (event as unknown as Fields)[of]
  const decimal = (of: string): Decimal => decimalOf(Number(field(of)))
  if (name === 'notional') return numberOf(times(decimal('p'), decimal('s')))
  if (name !== 'spread' && name !== 'mid') return field(name)
  if (field('bp') === 0 || field('ap') === 0) return undefined
  const [ask, bid] = [decimal('ap'), decimal('bp')]
  if (name === 'spread') return numberOf(plus(ask, times(bid, decimalOf(-1))))
  return numberOf(times(plus(ask, bid), decimalOf(0.5)))
}

function holds(operator: string, value: unknown, operand: unknown): boolean {
  const operands: readonly unknown[] = Array.isArray(operand) ? operand : [operand]
  if (operator.startsWith('has')) {
    const list: readonly unknown[] = Array.isArray(value) ? value : []
    const isCommon = operands.some(entry => list.includes(entry))
    return operator === 'hasNone' ? !isCommon : isCommon
  }
  if (operator === 'ne') return !holds('eq', value, operand)
  if (operator === 'eq' || operator === 'in') return operands.some(one => order(value, one) === 0)
  const found = order(value, operand)
  if (found === undefined) return false
  return { gt: found > 0, gte: found >= 0, lt: found < 0, lte: found <= 0 }[operator] === true
}

/** Less than 0 where the value is less than the operand; `undefined` where they have no order. */
function order(value: unknown, operand: unknown): number | undefined {
  if (typeof value === 'number' && typeof operand === 'number') return value - operand
  if (typeof value !== 'string' || typeof operand !== 'string') return undefined
  if (value === operand) return 0
  return value < operand ? -1 : 1
}

/** Units of ten to the power of -scale. */
interface Decimal {
  readonly units: bigint
  readonly scale: number
}

function decimalOf(value: number): Decimal {
  const text = /^(?<digits>-?\d+)(?:\.(?<fraction>\d+))?(?:e(?<power>[+-]\d+))?$/.exec(String(value))
  const { digits = '', fraction = '', power = '0' } = text?.groups ?? {}
  const scale = fraction.length - Number(power)
  const units = BigInt(digits + fraction)
  return scale >= 0 ? { units, scale } : { units: units * 10n ** BigInt(-scale), scale: 0 }
}

function times(one: Decimal, other: Decimal): Decimal {
  return { units: one.units * other.units, scale: one.scale + other.scale }
}

function plus(one: Decimal, other: Decimal): Decimal {
  const scale = Math.max(one.scale, other.scale)
  return { units: unitsAt(one, scale) + unitsAt(other, scale), scale }
}

function numberOf({ units, scale }: Decimal): number {
  return Number(`${units}e${-scale}`)
}

function unitsAt({ units, scale }: Decimal, other: number): bigint {
  return units * 10n ** BigInt(other - scale)
}
