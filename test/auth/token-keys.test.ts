import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DevelopmentKeyError } from '../../src/auth/development-key.ts'
import { createKeySet, type KeySetOptions, openTokenKeys } from '../../src/auth/token-keys.ts'
import { createTokenVerifier, type TokenVerifier } from '../../src/auth/token-verifier.ts'
import { claims, es256, identity, nowS, refusalOf, sign } from './issuer.ts'

/** An issuer's key server; `answer` is what it does with a request. */
class KeyServer {
  readonly #server = createServer((_request, response) => {
    this.requests++
    this.answer(response)
  })
  requests = 0
  answer: (response: ServerResponse) => void = response => response.writeHead(500).end()

  get url(): string {
    const address = this.#server.address() as AddressInfo
    return `http://127.0.0.1:${address.port}/keys`
  }

  serve(...keys: readonly object[]): void {
    this.answer = response =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }))
  }

  start(): Promise<void> {
    return new Promise(resolve => this.#server.listen(0, '127.0.0.1', resolve))
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise(resolve => this.#server.close(() => resolve()))
  }
}

let server = new KeyServer()

beforeEach(async () => {
  server = new KeyServer()
  await server.start()
})

afterEach(() => server.stop())

const [first, second] = [es256(), es256()]
const firstJwk = { ...first.publicKey.export({ format: 'jwk' }), kid: 'first' }
const secondJwk = { ...second.publicKey.export({ format: 'jwk' }), kid: 'second' }
const firstToken = () => sign(claims, first.privateKey, { alg: 'ES256', kid: 'first' })
const secondToken = () => sign(claims, second.privateKey, { alg: 'ES256', kid: 'second' })

function verifier(options?: KeySetOptions): TokenVerifier {
  const keys = createKeySet(server.url, options)
  return createTokenVerifier({
    ...identity,
    algorithms: ['ES256'],
    clockToleranceS: 5,
    keys,
    now: () => nowS * 1000,
  })
}

describe('a key set over HTTP', () => {
  test('is read once for many tokens', async () => {
    server.serve(firstJwk, secondJwk)
    const verify = verifier()
    await Promise.all([firstToken(), secondToken(), firstToken()].map(async token => verify(await token)))
    expect(server.requests).toBe(1)
  })

  test('is read again when a token names a new key, and withdrawn keys end', async () => {
    server.serve(firstJwk)
    const verify = verifier({ cooldownMs: 0 })
    await verify(await firstToken())
    server.serve(secondJwk)
    expect((await verify(await secondToken())).subject).toBe('ann')
    expect((await refusalOf(verify, await firstToken())).reason).toBe('key')
  })

  test('is not read for every unknown key while it is fresh', async () => {
    server.serve(firstJwk)
    const verify = verifier()
    await verify(await firstToken())
    for (let i = 0; i < 5; i++) expect((await refusalOf(verify, await secondToken())).reason).toBe('key')
    expect(server.requests).toBe(1)
  })

  test('does not fit a token without kid when it has several keys', async () => {
    server.serve(firstJwk, secondJwk)
    const token = await sign(claims, first.privateKey, { alg: 'ES256' })
    expect((await refusalOf(verifier(), token)).reason).toBe('key')
  })

  test('does not vouch for a key that only borrows a known kid', async () => {
    server.serve(firstJwk)
    const token = await sign(claims, second.privateKey, { alg: 'ES256', kid: 'first' })
    expect((await refusalOf(verifier(), token)).reason).toBe('signature')
  })

  test('is not asked about an algorithm that is not accepted', async () => {
    const token = await sign(claims, Buffer.alloc(32), { alg: 'HS256' })
    expect((await refusalOf(verifier(), token)).reason).toBe('algorithm')
    expect(server.requests).toBe(0)
  })
})

describe('a key server that fails makes tokens unavailable, not wrong', () => {
  const answers: readonly (readonly [string, (response: ServerResponse) => void])[] = [
    ['an error', response => response.writeHead(503).end()],
    ['a redirect', response => response.writeHead(302, { location: 'http://127.0.0.1:1/keys' }).end()],
    ['no JSON', response => response.end('<html>')],
    ['no key set', response => response.end('{"keys":7}')],
    ['a broken connection', response => response.destroy()],
    ['a key that is damaged', response => response.end(JSON.stringify({ keys: [{ ...firstJwk, x: 'AA' }] }))],
  ]
  test.each(answers)('by %s', async (_what, answer) => {
    server.answer = answer
    expect((await refusalOf(verifier(), await firstToken())).reason).toBe('unavailable')
  })

  test('by silence', async () => {
    server.answer = () => undefined
    expect((await refusalOf(verifier({ timeoutMs: 50 }), await firstToken())).reason).toBe('unavailable')
  })

  test('and is left alone for a while, then asked again', async () => {
    let nowMs = 0
    const verify = verifier({ pauseMs: 1000, now: () => nowMs })
    for (let i = 0; i < 5; i++)
      expect((await refusalOf(verify, await firstToken())).reason).toBe('unavailable')
    expect(server.requests).toBe(1)
    server.serve(firstJwk)
    nowMs = 1000
    expect((await verify(await firstToken())).subject).toBe('ann')
    expect(server.requests).toBe(2)
  })

  test('while tokens of keys already read stay good', async () => {
    server.serve(firstJwk)
    const verify = verifier({ cooldownMs: 0 })
    await verify(await firstToken())
    server.answer = response => response.writeHead(503).end()
    expect((await refusalOf(verify, await secondToken())).reason).toBe('unavailable')
    expect((await verify(await firstToken())).subject).toBe('ann')
  })
})

test('a public key is used as it is', async () => {
  const keys = await openTokenKeys({ kind: 'public', key: first.publicKey }, 'production')
  const verify = createTokenVerifier({
    ...identity,
    algorithms: ['ES256'],
    clockToleranceS: 5,
    keys,
    now: () => nowS * 1000,
  })
  expect((await verify(await firstToken())).subject).toBe('ann')
})

test('the development key is not opened in production', async () => {
  await expect(openTokenKeys({ kind: 'development' }, 'production')).rejects.toBeInstanceOf(
    DevelopmentKeyError,
  )
})
