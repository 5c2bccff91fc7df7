import { generateKeyPairSync } from 'node:crypto'
import * as fc from 'fast-check'
import { CompactSign, errors } from 'jose'
import { describe, expect, test } from 'vitest'
import { TokenError, tokenFaults } from '../../src/auth/token-error.ts'
import { claims, es256, nowS, refusalOf, sign, verifierOf } from './test-tokens.ts'

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
    expect((await verifierOf(rsa.publicKey, { algorithms: [alg] })(token)).subject).toBe('ann')
  })

  test('EdDSA', async () => {
    const ed25519 = generateKeyPairSync('ed25519')
    const token = await sign(claims, ed25519.privateKey, { alg: 'EdDSA' })
    expect((await verifierOf(ed25519.publicKey, { algorithms: ['EdDSA'] })(token)).subject).toBe('ann')
  })
})

// Cause: a time was any number up to the last date that JavaScript knows, and nothing looked at "iat".
// Symptom: a token whose "exp" was in milliseconds was good until the year 58884, one from the future
// outlived revocations.
// Seen: from outside, with an issuer whose clock was fast and one that counted milliseconds.
describe('the times of a token', () => {
  const msLater = (nowS + 60) * 1000
  test.each([
    ['exp', msLater, 'in milliseconds'],
    ['nbf', nowS * 1000, 'in milliseconds'],
    ['iat', nowS * 1000, 'in milliseconds'],
    ['exp', 253_402_300_800, 'beyond the year 9999'],
    ['exp', 1e300, 'beyond the year 9999'],
    ['exp', -1, 'not a time'],
    ['nbf', -1, 'not a time'],
    ['iat', -nowS, 'not a time'],
    ['iat', 'now', 'must be a number'],
    ['iat', null, 'must be a number'],
  ])('"%s" of %j is refused, and the refusal says it: %s', async (claim, time, rule) => {
    const error = await refusalOf(verify, await sign({ ...claims, [claim]: time }, key.privateKey))
    expect(error.reason).toBe('claims')
    expect(error.refusal).toMatch(`the token was refused: claims ("${claim}" `)
    expect(error.refusal).toContain(rule)
  })

  test.each([
    ['exp', nowS + 0.5],
    ['nbf', nowS + 4.5],
    ['iat', nowS + 4.999],
    ['iat', nowS + 5],
    ['exp', 253_402_300_799],
  ])('"%s" of %d is taken', async (claim, time) => {
    const grant = await verify(await sign({ ...claims, [claim]: time }, key.privateKey))
    expect(grant.expiresAtMs).toBe((claim === 'exp' ? time : claims.exp) * 1000)
    expect(grant.issuedAtMs).toBe(claim === 'iat' ? time * 1000 : undefined)
  })

  test.each([5.5, 6, 3600])('an "iat" %d s ahead of our clock is refused', async aheadS => {
    const error = await refusalOf(verify, await sign({ ...claims, iat: nowS + aheadS }, key.privateKey))
    expect(error.reason).toBe('not_yet_valid')
    expect(error.refusal).toContain(
      `"iat" is ${Math.ceil(aheadS - 5)} s further ahead than clocks may differ`,
    )
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
    expect((await refusalOf(verifierOf(rsa.publicKey, { algorithms: ['PS256'] }), token)).reason).toBe(
      'algorithm',
    )
  })

  test('a listed algorithm that the key does not fit', async () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const token = await sign(claims, rsa.privateKey, { alg: 'RS256' })
    expect(
      (await refusalOf(verifierOf(key.publicKey, { algorithms: ['ES256', 'RS256'] }), token)).reason,
    ).toBe('key')
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
  // Cause: a token had at most 8,192 bytes, whatever a message may have.
  // Symptom: a token for 800 symbols was refused as "malformed" (402, 4501), and nothing said that it was too
  // long.
  // Seen: from outside.
  test('a token is as long as it may be, and not longer', async () => {
    const symbols = Array.from({ length: 5000 }, (_, index) => `SYMBOL${index}`)
    const token = await sign({ ...claims, ticker: { symbols } }, key.privateKey)
    let asked = 0
    const keys = () => {
      asked++
      return key.publicKey
    }
    const grant = await verifierOf(key.publicKey, { longestTokenBytes: token.length })(token)
    expect(grant.symbols).toHaveProperty('size', 5000)

    const error = await refusalOf(
      verifierOf(key.publicKey, { longestTokenBytes: token.length - 1, keys }),
      token,
    )
    expect(error.reason).toBe('malformed')
    expect(error.refusal).toContain(`(${token.length} bytes, more than ${token.length - 1};`)
    expect(asked).toBe(0)
  })

  test('a long header is refused unread: it is parsed before its signature is known to be good', async () => {
    const header = { alg: 'ES256', kid: 'x'.repeat(8192) }
    const error = await refusalOf(verify, await sign(claims, key.privateKey, header))
    expect(error.refusal).toBe('the token was refused: malformed (a header of more than 8192 bytes)')
  })

  test.each([
    ['"a.b.c"', 'quotes around it'],
    ["'a.b.c'", 'quotes around it'],
    ['a.b.c\n', 'white space around it'],
    [' a.b.c', 'white space around it'],
    ['Bearer a.b.c', 'begins with "Bearer", which belongs into the Authorization header alone'],
    ['a.b. c', 'white space inside it'],
    ['a.b', 'not a signed JWT in compact form'],
    ['a.b.c.d.e', 'not a signed JWT in compact form'],
  ])('%j is said to be: %s', async (token, fault) => {
    expect((await refusalOf(verify, token)).refusal).toBe(`the token was refused: malformed (${fault})`)
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

  test('garbage causes only a TokenError with a known reason, which does not show the token', async () => {
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
