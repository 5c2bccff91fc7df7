import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { variables } from '../../src/config/variables/all-variables.ts'
import { development, faultsOf, keyTexts, production } from './environment.ts'

const values = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.integer().map(String),
  fc.constantFrom(
    '',
    '*',
    'on',
    'yes',
    'development',
    '127.0.0.1',
    'a:1,b:2',
    '/',
    '/dev/null',
    '{}',
    '{"kty":"oct"}',
    'none',
  ),
)

const names = fc.oneof(
  fc.constantFrom(...variables.flatMap(({ name }) => [name, `${name}_FILE`])),
  fc.string({ unit: 'binary', maxLength: 40 }).map(rest => `TICKER_${rest}`),
  fc.constantFrom('TICKER_', 'TICKER___proto__', '__proto__', 'constructor', 'PATH'),
)

test('no environment makes anything be thrown but a ConfigError, and each fault is one line', () => {
  fc.assert(
    fc.property(fc.dictionary(names, values, { maxKeys: 30 }), env => {
      for (const fault of faultsOf(env)) expect(fault).toMatch(/^TICKER_.*: .+$/)
    }),
    { numRuns: 2000 },
  )
})

test('no fault shows a secret, whatever else is wrong', () => {
  const secretValues = fc.string({ unit: 'grapheme-ascii', minLength: 12, maxLength: 80 })
  const shapes = fc.constantFrom(
    (secret: string) => secret,
    (secret: string) => `-----BEGIN PUBLIC KEY-----\n${secret}\n-----END PUBLIC KEY-----`,
    (secret: string) => `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`,
    (secret: string) => JSON.stringify({ kty: 'EC', crv: secret, x: secret, y: secret }),
    (secret: string) => JSON.stringify({ kty: secret }),
    (secret: string) => `{"kty":"EC","x":"${secret}`,
  )
  fc.assert(
    fc.property(secretValues, shapes, fc.constantFrom(development, production), (secret, shape, base) => {
      const faults = faultsOf({ ...base, TICKER_JWT_PUBLIC_KEY: shape(secret), TICKER_PORT: 'x' })
      expect(faults.length).toBeGreaterThan(1)
      expect(faults.join('\n')).not.toContain(secret)
    }),
    { numRuns: 1000 },
  )
})

test('a private key in place of the public one is refused and not shown', () => {
  const { privatePem, privateJwk } = keyTexts()
  for (const text of [privatePem, privateJwk]) {
    const [fault = ''] = faultsOf({ ...development, TICKER_JWT_PUBLIC_KEY: text })
    expect(fault).toMatch(/^TICKER_JWT_PUBLIC_KEY: is a private key; /)
    expect(fault).not.toContain(text.slice(40, 60))
  }
})

test('a damaged key in a file is reported with the file’s name, without its text', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-config-'))
  try {
    const path = join(folder, 'key')
    writeFileSync(path, 'hunter2-hunter2')
    const faults = faultsOf({ ...development, TICKER_JWT_PUBLIC_KEY_FILE: path })
    expect(faults[0]).toContain(`TICKER_JWT_PUBLIC_KEY_FILE=${path}: expected a public key`)
    expect(faults.join('\n')).not.toContain('hunter2')
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('passwords inside addresses are not shown', () => {
  const faults = faultsOf({
    ...production,
    TICKER_JWT_JWKS_URL: 'https://user:hunter2@issuer.example/keys?key=hunter3',
    TICKER_KAFKA_BROKERS: 'user:hunter4@kafka:9092',
    TICKER_JWT_PUBLIC_KYE: 'hunter5',
  })
  expect(faults).toHaveLength(3)
  expect(faults.join('\n')).not.toContain('hunter')
})
