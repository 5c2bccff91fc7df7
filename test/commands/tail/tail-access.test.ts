import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { expect, onTestFinished, test } from 'vitest'
import { isLocal, readAccess } from '../../../src/commands/tail/tail-access.ts'

const development = { TICKER_MODE: 'development' }
const remote = new URL('wss://feed.example/v1/stream')

test('in development the gateway of the environment is meant, with a token made for it', async () => {
  const { url, token } = readAccess({ ...development, TICKER_HOST: '::1', TICKER_PORT: '9000' }, undefined)
  expect(url.href).toBe('ws://[::1]:9000/v1/stream')
  expect(isLocal(url)).toBe(true)
  expect(decodeJwt(await token())).toMatchObject({ sub: 'tail', scope: 'stream' })
})

test('a token of the environment is taken as it is, also in production', async () => {
  expect(await readAccess({ TICKER_TOKEN: 'a.b-c_d.e\n' }, remote).token()).toBe('a.b-c_d.e')
})

test('a token’s file is read for each connection', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-tail-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const file = join(folder, 'token')
  await writeFile(file, 'first\n')
  const { token } = readAccess({ TICKER_TOKEN_FILE: file }, remote)
  expect(await token()).toBe('first')
  await writeFile(file, 'second\n')
  expect(await token()).toBe('second')
})

test.for([
  ['production needs a URL', {}, undefined, /^which gateway\?/],
  ['production needs a token', {}, remote, /^no token; set TICKER_TOKEN/],
  ['a development token stays on this machine', development, remote, /only for a gateway on this machine/],
  [
    'a gateway with keys of its own takes no development token',
    {
      ...development,
      TICKER_JWT_JWKS_URL: 'https://issuer.example/keys',
      TICKER_JWT_ISSUER: 'i',
      TICKER_JWT_AUDIENCE: 'a',
    },
    undefined,
    /tokens of your own issuer only/,
  ],
] as const)('%s', ([, env, url, message]) => {
  expect(() => readAccess(env, url)).toThrow(message)
})

test('a token that no header can hold is refused, and not shown', async () => {
  const { token } = readAccess({ TICKER_TOKEN: 'secret\r\nx: y' }, remote)
  await expect(token()).rejects.toThrow(/^TICKER_TOKEN: expected a token, which/)
})

test('a token’s file that is not there is named', async () => {
  const { token } = readAccess({ TICKER_TOKEN_FILE: '/no/such/token' }, remote)
  await expect(token()).rejects.toThrow(/^TICKER_TOKEN_FILE=\/no\/such\/token: cannot be read \(ENOENT/)
})
