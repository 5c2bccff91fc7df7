import { expect, test } from 'vitest'
import { DevelopmentKeyError } from '../../src/auth/development-file.ts'
import { openTokenKeys } from '../../src/auth/token-keys.ts'
import { createTokenVerifier } from '../../src/auth/token-verifier.ts'
import { claims, es256, identity, nowS, sign } from './test-tokens.ts'
import { KeyServer } from './key-server.ts'
import { clockOf } from '../support/test-clock.ts'

const log = { warn: () => undefined }

test('a public key is used as it is', async () => {
  const { publicKey, privateKey } = es256()
  const { find, set } = await openTokenKeys({ kind: 'public', key: publicKey }, 'production', log)
  const verify = createTokenVerifier({
    ...identity,
    algorithms: ['ES256'],
    clockToleranceS: 5,
    keys: find,
    clock: clockOf(() => nowS * 1000),
  })
  expect((await verify(await sign(claims, privateKey))).subject).toBe('ann')
  expect(set).toBeUndefined()
})

test('a key set is read before the first token comes, once it is started', async () => {
  const server = await KeyServer.start()
  const source = { kind: 'jwks', url: server.url, maxStaleMs: 1000 } as const
  const request = server.nextRequest()
  const { set } = await openTokenKeys(source, 'production', log)
  set?.start()
  await expect(request).resolves.toBeUndefined()
  set?.stop()
  await server.stop()
})

test('the development key is not opened in production', async () => {
  await expect(openTokenKeys({ kind: 'development' }, 'production', log)).rejects.toBeInstanceOf(
    DevelopmentKeyError,
  )
})
