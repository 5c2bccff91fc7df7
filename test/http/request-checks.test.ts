import { expect, test } from 'vitest'
import { TokenError } from '../../src/auth/token-error.ts'
import { authorize } from '../../src/http/request-checks.ts'
import { createGrant } from '../support/defaults.ts'

const grant = createGrant({ scopes: new Set(['publish']) })

test('resolves with what the token allows', async () => {
  const verify = () => Promise.resolve(grant)

  expect(await authorize('bearer x.y.z', { verify, scope: 'publish' })).toBe(grant)
})

test.each([
  [
    'Basic eDp5',
    401,
    'Authorization: expected the scheme Bearer, not Basic',
    { 'www-authenticate': 'Bearer' },
  ],
  [undefined, 401, 'expected the header Authorization: Bearer TOKEN', { 'www-authenticate': 'Bearer' }],
  ['Bearer x.y.z', 403, 'the token lacks the scope "stream"', {}],
])('refuses %s', async (header, status, error, headers) => {
  const verify = () => Promise.resolve(grant)

  expect(await authorize(header, { verify, scope: 'stream' })).toMatchObject({
    status,
    headers,
    body: { error },
  })
})

test('tells a token that is wrong from one that cannot be checked', async () => {
  const refusing = (reason: 'expired' | 'unavailable') => () =>
    Promise.reject(new TokenError(reason, 'secret of ours'))

  expect(await authorize('Bearer x', { verify: refusing('expired'), scope: 'publish' })).toMatchObject({
    status: 401,
    body: { error: 'the token was refused: expired' },
  })
  expect(await authorize('Bearer x', { verify: refusing('unavailable'), scope: 'publish' })).toMatchObject({
    status: 503,
    headers: { 'retry-after': '1' },
    body: { error: 'the token could not be checked' },
  })
})
