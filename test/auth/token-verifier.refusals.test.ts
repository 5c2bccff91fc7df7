import { expect, test } from 'vitest'
import { withRefusalLog } from '../../src/auth/token-verifier.ts'
import { TokenError, type TokenFault } from '../../src/auth/token-error.ts'
import { claims, es256, refusalOf, sign, verifierOf } from './test-tokens.ts'

/**
 * Cause: a refused token was counted, and its reason told to its holder alone.
 * Symptom: of a key set that fitted no token, every session ended with 4501, and the log said nothing.
 * Seen: from outside, with two keys of one kid.
 */
test('each reason for refusals is logged once, with the key id and without the token', async () => {
  const lines: object[] = []
  const log = { warn: (fields: object, message: string) => void lines.push({ ...fields, message }) }
  const verify = withRefusalLog(verifierOf(es256().publicKey), log)
  const forged = await sign(claims, es256().privateKey, { alg: 'ES256', kid: 'of another' })

  for (let count = 0; count < 3; count++) await refusalOf(verify, forged)
  await refusalOf(verify, 'nonsense')

  const message = 'a token was refused'
  expect(lines).toEqual([
    {
      message,
      reason: 'signature',
      error: 'token: signature verification failed',
      alg: '"ES256"',
      kid: '"of another"',
    },
    { message, reason: 'malformed', error: 'token: not a signed JWT in compact form' },
  ])
})

test('a good token leaves none, and whatever else is thrown goes on', async () => {
  const lines: object[] = []
  const log = { warn: (fields: object) => void lines.push(fields) }
  const { publicKey, privateKey } = es256()
  await withRefusalLog(verifierOf(publicKey), log)(await sign(claims, privateKey))
  const failing = withRefusalLog(() => Promise.reject(new Error('ours')), log)

  await expect(failing('x')).rejects.toThrow('ours')
  expect(lines).toEqual([])
})

test('every reason has its own line', async () => {
  const reasons: TokenFault[] = ['expired', 'revoked', 'expired', 'unavailable', 'revoked']
  const lines: object[] = []
  const waiting = [...reasons]
  const failing = () => Promise.reject(new TokenError(waiting.shift() ?? 'key', 'token: x'))
  const verify = withRefusalLog(failing, { warn: fields => void lines.push(fields) })

  for (const _ of reasons) await refusalOf(verify, 'a.b.c')

  expect(lines.map(fields => ('reason' in fields ? fields.reason : ''))).toEqual([
    'expired',
    'revoked',
    'unavailable',
  ])
})
