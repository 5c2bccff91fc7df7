import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../src/config/config-reader.ts'
import { faultsOf, keyTexts, production } from './environment.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticker-config-'))
})

afterAll(() => rm(folder, { recursive: true }))

function fileWith(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

describe('keys', () => {
  const { TICKER_JWT_JWKS_URL: _, ...keyless } = production

  test('a key set and a public key exclude each other', () => {
    const faults = faultsOf({ ...production, TICKER_JWT_PUBLIC_KEY: keyTexts().publicPem })
    expect(faults).toEqual([
      'TICKER_JWT_JWKS_URL=https://issuer.example/keys: TICKER_JWT_PUBLIC_KEY is set as well; unset one of them',
    ])
  })

  test('a public key that no accepted algorithm fits is a fault', () => {
    const env = { ...keyless, TICKER_JWT_PUBLIC_KEY: keyTexts().publicPem, TICKER_JWT_ALGORITHMS: 'RS256' }
    expect(faultsOf(env)).toEqual([
      'TICKER_JWT_PUBLIC_KEY: the key is for ES256, which TICKER_JWT_ALGORITHMS does not include; add it there',
    ])
  })

  test('the key can be read from a file, its last line end removed', () => {
    const path = fileWith('public.jwk', `${keyTexts().publicJwk}\r\n`)
    expect(readConfig({ ...keyless, TICKER_JWT_PUBLIC_KEY_FILE: path }).auth.algorithms).toEqual(['ES256'])
  })

  test('the key and its file exclude each other', () => {
    const { publicPem } = keyTexts()
    const path = fileWith('public.pem', publicPem)
    const faults = faultsOf({
      ...keyless,
      TICKER_JWT_PUBLIC_KEY: publicPem,
      TICKER_JWT_PUBLIC_KEY_FILE: path,
    })
    expect(faults).toEqual([
      'TICKER_JWT_PUBLIC_KEY: TICKER_JWT_PUBLIC_KEY_FILE is set as well; unset one of them',
    ])
  })

  test.each([
    [
      'missing',
      '/nowhere/key.pem',
      /^TICKER_JWT_PUBLIC_KEY_FILE=\/nowhere\/key\.pem: cannot be read \(ENOENT/,
    ],
    ['a folder', '/', /^TICKER_JWT_PUBLIC_KEY_FILE=\/: cannot be read \(not a regular file\)/],
    [
      'endless',
      '/dev/zero',
      /^TICKER_JWT_PUBLIC_KEY_FILE=\/dev\/zero: cannot be read \(not a regular file\)/,
    ],
    ['no path', 'a\0b', /^TICKER_JWT_PUBLIC_KEY_FILE=a\\u0000b: cannot be read/],
  ])('a key file that is %s is named', (_what, path, message) => {
    const faults = faultsOf({ ...keyless, TICKER_JWT_PUBLIC_KEY_FILE: path })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(message)
  })

  test('a key file that is too large is named, not read', () => {
    const path = fileWith('large.pem', 'x'.repeat(65_537))
    expect(faultsOf({ ...keyless, TICKER_JWT_PUBLIC_KEY_FILE: path })[0]).toContain('more than 65536 bytes')
  })
})
