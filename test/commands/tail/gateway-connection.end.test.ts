import { describe, expect, test } from 'vitest'
import { describeConnectionEnd, isRetryable } from '../../../src/commands/tail/gateway-connection.ts'

const closed = (code: number) => ({ kind: 'closed', code, reason: '' }) as const
const refused = (status: number) =>
  ({ kind: 'handshakeRefused', status, message: 'm', retryAfterMs: 0 }) as const

describe('connecting again', () => {
  test.for([1000, 1001, 1006, 1011, 1012, 4000, 4001, 4321, 4499, 3000, 4999 + 1])('helps after %i', code => {
    expect(isRetryable(closed(code), true)).toBe(true)
  })

  test.for([1002, 1003, 1007, 1008, 1009, 1010, 4500, 4501, 4777, 4999])('does not help after %i', code => {
    expect(isRetryable(closed(code), true)).toBe(false)
  })

  test('helps where a node is not ready, not where it refuses', () => {
    expect([503, 429, 400, 401, 403, 404, 426].filter(status => isRetryable(refused(status), false))).toEqual(
      [503, 429],
    )
  })

  // Cause: only 429 and 503 counted as passing. Symptom: a restart of all gateways behind nginx ended tail, by
  // the 502 of the proxy. Seen with docs/proxies/nginx.conf.
  test('helps after the 502 and 504 of a proxy that had a gateway before', () => {
    const helps = (hasBeenConnected: boolean) =>
      [502, 504, 500].filter(status => isRetryable(refused(status), hasBeenConnected))
    expect([helps(false), helps(true)]).toEqual([[], [502, 504]])
  })

  test('helps only where something has answered before', () => {
    const failed = { kind: 'failed', message: 'x' } as const
    expect([isRetryable(failed, false), isRetryable(failed, true)]).toEqual([false, true])
  })

  test('does not help where the subscription was refused', () => {
    expect(isRetryable({ kind: 'subscriptionRefused', message: 'x' }, true)).toBe(false)
  })
})

test('an ending is printed with its code and reason', () => {
  expect(describeConnectionEnd({ kind: 'closed', code: 4000, reason: 'draining' })).toBe(
    'the connection was closed (4000 draining)',
  )
  expect(describeConnectionEnd(closed(1006))).toBe('the connection was closed (1006)')
  expect(describeConnectionEnd(refused(403))).toBe('the gateway refused (HTTP 403: m)')
})
