import { expect, test } from 'vitest'
import { createTestQuotas } from '../support/defaults.ts'
import { clockOf } from '../support/test-clock.ts'

test('gives each key its places, and a place that was given back to the next', async () => {
  const quotas = createTestQuotas({ maxConnectionsPerAddress: 2, maxSessionsPerUser: 1 })
  const first = await quotas.acquire('connectionsPerAddress', 'a')
  expect(await quotas.acquire('connectionsPerAddress', 'a')).toBeDefined()
  expect(await quotas.acquire('connectionsPerAddress', 'a')).toBeUndefined()
  expect(await quotas.acquire('connectionsPerAddress', 'b')).toBeDefined()
  expect(await quotas.acquire('sessionsPerUser', 'a')).toBeDefined()
  expect(quotas.slotsTaken('connectionsPerAddress')).toBe(3)
  first?.()
  expect(await quotas.acquire('connectionsPerAddress', 'a')).toBeDefined()
})

test('a place that is given back twice is free once', async () => {
  const quotas = createTestQuotas({ maxConnectionsPerAddress: 2 })
  const first = await quotas.acquire('connectionsPerAddress', 'a')
  await quotas.acquire('connectionsPerAddress', 'a')
  first?.()
  first?.()
  expect(await quotas.acquire('connectionsPerAddress', 'a')).toBeDefined()
  expect(await quotas.acquire('connectionsPerAddress', 'a')).toBeUndefined()
})

test('takes all that is wanted, or nothing of it', async () => {
  const limits = { handshakesPerSecond: 1, handshakesPerAddressPerSecond: 2 }
  const quotas = createTestQuotas(
    limits,
    clockOf(() => 0),
  )
  const turnOf = (key: string) => [
    { kind: 'handshakesPerAddress', key, count: 1 } as const,
    { kind: 'handshakes', key: '', count: 1 } as const,
  ]
  const waits: number[] = []
  for (let count = 0; count < 6; count++) waits.push(await quotas.reserve(turnOf('a'), 1000))
  // Four seconds' worth of the node's at once, one more within the second, and no more.
  expect(waits).toEqual([0, 0, 0, 0, 1000, 2000])
  // Of the address, what the last one did not get is there: eight at once are less the five above.
  const left: number[] = []
  for (let count = 0; count < 4; count++) left.push(await quotas.reserve(turnOf('a').slice(0, 1), 0))
  expect(left).toEqual([0, 0, 0, 500])
})
