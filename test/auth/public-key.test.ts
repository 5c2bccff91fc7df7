import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PublicKeyError, parsePublicKey } from '../../src/auth/public-key.ts'

function pem(key: KeyObject): string {
  return key.export({ type: key.type === 'public' ? 'spki' : 'pkcs8', format: 'pem' })
}

const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ed25519 = generateKeyPairSync('ed25519')

describe('a public key fits its algorithms', () => {
  test.each([
    ['P-256', p256.publicKey, ['ES256']],
    ['P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey, ['ES384']],
    ['P-521', generateKeyPairSync('ec', { namedCurve: 'P-521' }).publicKey, ['ES512']],
    ['Ed25519', ed25519.publicKey, ['EdDSA', 'Ed25519']],
    ['RSA', rsa.publicKey, ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']],
  ])('%s, as PEM and as JWK', (_name, key, algorithms) => {
    expect(parsePublicKey(pem(key)).algorithms).toEqual(algorithms)
    expect(parsePublicKey(JSON.stringify(key.export({ format: 'jwk' }))).algorithms).toEqual(algorithms)
  })

  test('a JWK that names its algorithm fits that one only', () => {
    const jwk = { ...rsa.publicKey.export({ format: 'jwk' }), alg: 'PS256', use: 'sig', kid: 'a' }
    expect(parsePublicKey(JSON.stringify(jwk)).algorithms).toEqual(['PS256'])
  })

  test('line ends may be written \\n, as environment files have them', () => {
    expect(parsePublicKey(pem(p256.publicKey).replaceAll('\n', '\\n')).algorithms).toEqual(['ES256'])
  })
})

describe('refused, with the reason', () => {
  const jwk = p256.publicKey.export({ format: 'jwk' })
  test.each([
    ['a private key as PEM', pem(p256.privateKey), 'a private key'],
    ['an old private key', p256.privateKey.export({ type: 'sec1', format: 'pem' }), 'a private key'],
    ['a private key as JWK', JSON.stringify(p256.privateKey.export({ format: 'jwk' })), 'a private key'],
    ['PKCS #1', rsa.publicKey.export({ type: 'pkcs1', format: 'pem' }), 'BEGIN PUBLIC KEY'],
    ['a shared secret', '{"kty":"oct","k":"c2VjcmV0"}', 'a shared secret'],
    ['a key set', JSON.stringify({ keys: [jwk] }), 'a key set'],
    ['a key for encryption', JSON.stringify({ ...jwk, use: 'enc' }), '"use" is not "sig"'],
    ['an algorithm of another key', JSON.stringify({ ...jwk, alg: 'RS256' }), '"alg" does not fit'],
    ['a point off the curve', JSON.stringify({ ...jwk, x: jwk.y }), 'damaged'],
    ['a JWK that is cut off', '{"kty":"EC"', 'one JSON object'],
    ['a PEM that is cut off', pem(p256.publicKey).slice(0, 60), 'damaged'],
    [
      'a curve of ours it is not',
      pem(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey),
      'fits no supported algorithm',
    ],
    ['a key for agreement', pem(generateKeyPairSync('x25519').publicKey), 'fits no supported algorithm'],
    [
      'a short RSA key',
      pem(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey),
      '1024 bits; use 2048',
    ],
    ['nothing', '', 'expected a public key'],
  ])('%s', (_what, text, message) => {
    expect(() => parsePublicKey(text)).toThrow(PublicKeyError)
    expect(() => parsePublicKey(text)).toThrow(message)
  })

  test('nothing else is thrown, whatever the text', () => {
    const members = fc.dictionary(
      fc.constantFrom('kty', 'crv', 'x', 'y', 'n', 'e', 'alg', 'use'),
      fc.jsonValue(),
    )
    const texts = fc.oneof(
      fc.string(),
      members.map(value => JSON.stringify({ ...jwk, ...value })),
      fc.string().map(text => `-----BEGIN PUBLIC KEY-----\n${text}\n-----END PUBLIC KEY-----`),
    )
    fc.assert(
      fc.property(texts, text => {
        const thrown = thrownBy(() => parsePublicKey(text))
        expect(thrown === undefined || thrown instanceof PublicKeyError).toBe(true)
      }),
    )
  })
})

function thrownBy(act: () => unknown): unknown {
  try {
    act()
    return undefined
  } catch (error) {
    return error
  }
}
