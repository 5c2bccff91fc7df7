import fc from 'fast-check'
import { expect, test } from 'vitest'
import { bearerToken } from '../../src/auth/bearer-token.ts'
import { isOriginAllowed } from '../../src/auth/origin-policy.ts'

const text = fc.string({ unit: 'binary', maxLength: 300 })

test('whatever an Authorization header holds, a token is one word of it behind Bearer', () => {
  const headers = fc.oneof(
    text,
    fc
      .tuple(fc.constantFrom('Bearer', 'bearer ', 'BEARER\t', 'Basic', ''), text)
      .map(parts => parts.join(' ')),
    fc.nat(100_000).map(length => `Bearer ${' '.repeat(length)}x y`),
  )
  const property = fc.property(headers, header => {
    const token = bearerToken(header)
    if (token === undefined) return
    expect(token).toMatch(/^\S+$/)
    expect(header.slice(0, 7)).toMatch(/^bearer /i)
    expect(header.trimEnd().endsWith(token)).toBe(true)
  })

  expect(fc.assert(property, { numRuns: 3000 })).toBe(undefined)
})

const parts = fc.constantFrom(
  'http://',
  'https://',
  'null',
  'localhost',
  '127.0.0.1',
  '[::1]',
  '.',
  ':8080',
  '@',
  '/',
  '#',
  '?',
  '\\',
  ' ',
  ',',
  'evil.example',
  'app.example.com',
  '%00',
  'ｌocalhost',
)
const origins = fc.oneof(
  text,
  fc.webUrl(),
  fc.array(parts, { maxLength: 6 }).map(list => list.join('')),
)

test('whatever an Origin holds, only those listed may connect', () => {
  const allowed = new Set(['https://app.example.com'])
  const property = fc.property(origins, origin => {
    expect(isOriginAllowed(origin, allowed)).toBe(origin === 'https://app.example.com')
  })

  expect(fc.assert(property, { numRuns: 3000 })).toBe(undefined)
})

test('whatever an Origin holds, only a name of loopback, with nothing around it, is on loopback', () => {
  const loopback = /^https?:\/\/(?:(?:[a-z0-9-]+\.)*localhost\.?|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/
  const property = fc.property(origins, origin => {
    if (isOriginAllowed(origin, 'loopback')) expect(origin).toMatch(loopback)
  })

  expect(fc.assert(property, { numRuns: 3000 })).toBe(undefined)
})
