import { expect, test } from 'vitest'
import { LocalLedger } from '../../src/limits/ledger.ts'

test('gives each key its places, and a place that was given back to the next', async () => {
  const ledger = new LocalLedger({ connectionsPerAddress: 2, sessionsPerUser: 1 })
  const first = await ledger.claim('connectionsPerAddress', 'a')
  expect(await ledger.claim('connectionsPerAddress', 'a')).toBeDefined()
  expect(await ledger.claim('connectionsPerAddress', 'a')).toBeUndefined()
  expect(await ledger.claim('connectionsPerAddress', 'b')).toBeDefined()
  expect(await ledger.claim('sessionsPerUser', 'a')).toBeDefined()
  first?.()
  expect(await ledger.claim('connectionsPerAddress', 'a')).toBeDefined()
})

test('a place that is given back twice is free once', async () => {
  const ledger = new LocalLedger({ connectionsPerAddress: 2, sessionsPerUser: 1 })
  const first = await ledger.claim('connectionsPerAddress', 'a')
  await ledger.claim('connectionsPerAddress', 'a')
  first?.()
  first?.()
  expect(await ledger.claim('connectionsPerAddress', 'a')).toBeDefined()
  expect(await ledger.claim('connectionsPerAddress', 'a')).toBeUndefined()
})
