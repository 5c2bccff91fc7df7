import { generateKeyPairSync } from 'node:crypto'
import * as fc from 'fast-check'
import { CompactSign, errors } from 'jose'
import { describe, expect, test } from 'vitest'
import { createTokenVerifier } from '../../src/auth/token-verifier.ts'
import { TokenError, tokenFaults } from '../../src/auth/token-error.ts'
import { claims, es256, identity, nowS, refusalOf, sign, verifierOf } from './issuer.ts'

const key = es256()
const verify = verifierOf(key.publicKey)

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

describe('accepted', () => {
  test('a token that is right gives its grant', async () => {
    expect(await verify(await sign(claims, key.privateKey))).toMatchObject({
      subject: 'ann',
      symbols: new Set(['AAPL']),
      expiresAtMs: (nowS + 60) * 1000,
    })
  })

  test('any typ, and any kid with a single key', async () => {
    const token = await sign(claims, key.privateKey, { alg: 'ES256', typ: 'at+jwt', kid: 'whatever' })
    expect((await verify(token)).subject).toBe('ann')
  })

  test('one audience among several', async () => {
    expect((await verify(await sign({ ...claims, aud: ['other', 'ticker'] }, key.privateKey))).subject).toBe(
      'ann',
    )
  })

  test('clocks that differ by less than the tolerance', async () => {
    expect((await verify(await sign({ ...claims, exp: nowS - 4 }, key.privateKey))).subject).toBe('ann')
    expect((await verify(await sign({ ...claims, nbf: nowS + 5 }, key.privateKey))).subject).toBe('ann')
  })

  test.each(['RS256', 'PS256'])('%s', async alg => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const token = await sign(claims, rsa.privateKey, { alg })
    expect((await verifierOf(rsa.publicKey, [alg])(token)).subject).toBe('ann')
  })

  test('EdDSA', async () => {
    const ed25519 = generateKeyPairSync('ed25519')
    const token = await sign(claims, ed25519.privateKey, { alg: 'EdDSA' })
    expect((await verifierOf(ed25519.publicKey, ['EdDSA'])(token)).subject).toBe('ann')
  })
})

describe('refused for its claims', () => {
  test.each([
    ['another audience', { ...claims, aud: 'other' }, 'audience'],
    ['no audience', { ...claims, aud: undefined }, 'audience'],
    ['another issuer', { ...claims, iss: 'https://other.example' }, 'issuer'],
    ['no issuer', { ...claims, iss: undefined }, 'issuer'],
    ['its end', { ...claims, exp: nowS - 5 }, 'expired'],
    ['its beginning', { ...claims, nbf: nowS + 6 }, 'not_yet_valid'],
    ['a beginning that is text', { ...claims, nbf: 'soon' }, 'claims'],
    ['no end', { ...claims, exp: undefined }, 'claims'],
    ['an end that is text', { ...claims, exp: 'never' }, 'claims'],
    ['no subject', { ...claims, sub: undefined }, 'claims'],
    ['a malformed ticker', { ...claims, ticker: { symbols: 'AAPL' } }, 'claims'],
  ])('%s', async (_what, payload, reason) => {
    const error = await refusalOf(verify, await sign(payload, key.privateKey))
    expect(error.reason).toBe(reason)
    expect(error.code).toBe('TICKER_TOKEN')
  })

  test('an end that JSON writes as infinite', async () => {
    // JSON.parse('1e999') is Infinity, later than every clock: the token would never end.
    const payload = JSON.stringify({ ...claims, exp: 0 }).replace('"exp":0', '"exp":1e999')
    const token = await new CompactSign(Buffer.from(payload))
      .setProtectedHeader({ alg: 'ES256' })
      .sign(key.privateKey)
    expect((await refusalOf(verify, token)).reason).toBe('claims')
  })
})

describe('refused for its signature', () => {
  test('alg none, in any spelling', async () => {
    for (const alg of ['none', 'None', 'NONE']) {
      const token = `${encode({ alg })}.${encode(claims)}.`
      expect((await refusalOf(verify, token)).reason).toBe('algorithm')
    }
  })

  test('HS256 signed with the public key as its secret', async () => {
    const secret = Buffer.from(key.publicKey.export({ type: 'spki', format: 'pem' }))
    const token = await sign(claims, secret, { alg: 'HS256' })
    expect((await refusalOf(verify, token)).reason).toBe('algorithm')
  })

  test('an algorithm that is not listed, though the key would fit it', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const token = await sign(claims, rsa.privateKey, { alg: 'RS256' })
    expect((await refusalOf(verifierOf(rsa.publicKey, ['PS256']), token)).reason).toBe('algorithm')
  })

  test('a listed algorithm that the key does not fit', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const token = await sign(claims, rsa.privateKey, { alg: 'RS256' })
    expect((await refusalOf(verifierOf(key.publicKey, ['ES256', 'RS256']), token)).reason).toBe('key')
  })

  test('another key', async () => {
    const error = await refusalOf(verify, await sign(claims, es256().privateKey))
    expect(error.reason).toBe('signature')
    expect(error.cause).toBeInstanceOf(errors.JWSSignatureVerificationFailed)
  })

  test('claims changed after signing', async () => {
    const [header, , signature] = (await sign(claims, key.privateKey)).split('.')
    const token = `${header}.${encode({ ...claims, sub: 'eve' })}.${signature}`
    expect((await refusalOf(verify, token)).reason).toBe('signature')
  })

  test('a critical header that we do not know', async () => {
    const token = `${encode({ alg: 'ES256', crit: ['x'], x: 1 })}.${encode(claims)}.AAAA`
    expect((await refusalOf(verify, token)).reason).toBe('algorithm')
  })

  test('a key that the header brings along', async () => {
    const own = es256()
    const header = { alg: 'ES256', jwk: own.publicKey.export({ format: 'jwk' }) }
    const token = await sign(claims, own.privateKey, header)
    expect((await refusalOf(verify, token)).reason).toBe('signature')
  })
})

describe('malformed', () => {
  test('a token of more than 8 KiB, unread', async () => {
    let asked = 0
    const counting = createTokenVerifier({
      ...identity,
      algorithms: ['ES256'],
      clockToleranceS: 5,
      keys: () => {
        asked++
        return key.publicKey
      },
    })
    const token = await sign({ ...claims, padding: 'x'.repeat(8192) }, key.privateKey)
    expect((await refusalOf(counting, token)).reason).toBe('malformed')
    expect(asked).toBe(0)
  })

  test.each([
    '',
    'a',
    'a.b',
    'a.b.c',
    'a.b.c.d',
    'a.b.c.d.e',
    '..',
    'Bearer a.b.c',
    'ä.b.c',
    'e30.e30.e30',
    'a.b.c\n',
  ])('%j', async token => {
    expect((await refusalOf(verify, token)).reason).toBe('malformed')
  })

  test('claims that are not an object', async () => {
    for (const payload of ['[]', 'null', '1', '{', '']) {
      const token = await new CompactSign(Buffer.from(payload))
        .setProtectedHeader({ alg: 'ES256' })
        .sign(key.privateKey)
      expect((await refusalOf(verify, token)).reason).toBe('malformed')
    }
  })

  test('no garbage makes anything be thrown but a TokenError with a known reason, nor shows the token', async () => {
    const part = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.base64String().map(text => text.replaceAll(/[+/=]/g, '_')),
      fc.jsonValue().map(encode),
      fc.record({ alg: fc.constantFrom('ES256', 'none', 'HS256', 'RS256', '', '__proto__') }).map(encode),
      fc
        .record({ alg: fc.constant('ES256'), b64: fc.anything(), crit: fc.anything(), kid: fc.anything() })
        .map(safely),
    )
    const tokens = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(part, { minLength: 2, maxLength: 4 }).map(p => p.join('.')),
    )
    await fc.assert(
      fc.asyncProperty(tokens, async token => {
        const error = await refusalOf(verify, token)
        expect(tokenFaults).toContain(error.reason)
        expect(token.length > 40 && error.message.includes(token)).toBe(false)
      }),
      { numRuns: 500 },
    )
  })

  test('no changed character of a right token is accepted', async () => {
    const token = await sign(claims, key.privateKey)
    const lastOfPart = new Set([...token.matchAll(/.(?=\.|$)/g)].map(match => match.index))
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: token.length - 1 }),
        fc.constantFrom('A', 'z', '0', '-', '.', ' '),
        async (at, to) => {
          // A part's last character has bits that base64url does not use.
          fc.pre(token[at] !== to && !lastOfPart.has(at))
          expect(await refusalOf(verify, token.slice(0, at) + to + token.slice(at + 1))).toBeInstanceOf(
            TokenError,
          )
        },
      ),
      { numRuns: 200 },
    )
  })
})

function safely(value: unknown): string {
  try {
    return encode(value)
  } catch {
    return encode({})
  }
}
