import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AdminFault } from '../../src/admin/admin-fault.ts'
import { parseDrain, parseNumber, parseRevocation, parseSessionsQuery } from '../../src/admin/admin-input.ts'

const nowMs = Date.parse('2026-01-31T18:00:00Z')
const values = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  fc.constantFrom(
    '1',
    '0',
    '-1',
    '1e3',
    '９',
    '2026-02-01T00:00:00Z',
    '2026-02-30T00:00:00Z',
    'x'.repeat(300),
  ),
)
const objects = fc.dictionary(
  fc.constantFrom('limit', 'after', 'sub', 'jti', 'until', 'reason', 'withinMs', 'number', '__proto__', 'x'),
  values,
)
const inputs = fc.oneof({ weight: 4, arbitrary: objects }, values)

/** What was read, or `undefined` where it was refused as it should be. */
function read<Result>(parse: () => Result): Result | undefined {
  try {
    return parse()
  } catch (error) {
    expect(error).toBeInstanceOf(AdminFault)
    expect((error as AdminFault).message.length).toBeLessThan(500)
    return undefined
  }
}

test('whatever an administrator sends is within its bounds, or refused in a few words', () => {
  const property = fc.property(inputs, input => {
    const query = read(() => parseSessionsQuery(input, ['live']))
    expect(query?.limit ?? 1).toSatisfy((limit: number) => limit >= 1 && limit <= 1000)
    expect(read(() => parseNumber(input)) ?? 1).toBeGreaterThan(0)
    expect(read(() => parseDrain(input)) ?? 0).toSatisfy((ms: number) => ms >= 0 && ms <= 600_000)
    const revocation = read(() => parseRevocation(input, nowMs))
    expect(revocation?.untilMs ?? nowMs + 1).toBeGreaterThan(nowMs)
    expect(revocation?.reason?.length ?? 0).toBeLessThanOrEqual(200)
  })

  expect(fc.assert(property, { numRuns: 3000 })).toBe(undefined)
})
