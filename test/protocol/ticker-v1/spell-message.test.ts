import { describe, expect, test } from 'vitest'
import { spellMessage } from '../../../src/protocol/ticker-v1/spell-message.ts'
import { defaultLimits } from '../../support/defaults.ts'

const authenticated = { kind: 'authenticated', expiresAtMs: 0, limits: defaultLimits } as const

describe('the answer to a good token', () => {
  test('says nothing of the feed where that is live and not delayed', () => {
    const spelled = spellMessage({ ...authenticated, feed: { name: 'live', delayMs: 0 } })
    expect(spelled).not.toHaveProperty('feed')
    expect(spelled).not.toHaveProperty('delayMs')
  })

  test.each([
    { name: 'delayed', delayMs: 900_000 },
    { name: 'live', delayMs: 5000 },
    { name: 'test', delayMs: 0 },
  ])('states the feed and its delay: %j', feed => {
    const { name, delayMs } = feed
    expect(spellMessage({ ...authenticated, feed })).toMatchObject({ feed: name, delayMs })
  })
})

test('a heartbeat of a feed that cannot be read says why and since when, and knows no lag', () => {
  const outage = { source: 'unreachable', sinceMs: 1000 }
  const spelled = spellMessage({ kind: 'heartbeat', atMs: 9000, agesMs: { trades: 8600 }, lag: null, outage })
  expect(JSON.stringify(spelled)).toBe(
    '{"T":"heartbeat","t":"1970-01-01T00:00:09.000Z","agesMs":{"trades":8600},"lag":null,' +
      '"source":"unreachable","since":"1970-01-01T00:00:01.000Z"}',
  )
})
