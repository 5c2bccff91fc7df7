import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isOriginAllowed, readBearerToken } from '../../src/auth/request-headers.ts'

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
    const authorization = readBearerToken(header)
    if (authorization.kind === 'absent') expect(header.trim()).toBe('')
    if (authorization.kind === 'unusable') expect(authorization.fault.length).toBeLessThan(80)
    if (authorization.kind !== 'token') return
    const { token } = authorization
    expect(token).toMatch(/^\S+$/)
    expect(header.slice(0, 7)).toMatch(/^bearer /i)
    expect(header.trimEnd().endsWith(token)).toBe(true)
  })

  expect(fc.assert(property, { numRuns: 3000 })).toBe(undefined)
})

// Cause: whatever was no token in an Authorization header was taken for an absent header.
// Symptom: a client that sent another scheme was told nothing until its time for authentication was over.
// Seen: from outside, with "Authorization: Basic …".
test.each([
  ['Basic YW5uOnNlY3JldA==', 'expected the scheme Bearer, not Basic'],
  ['Bearer', '"Bearer" without a token'],
  ['Bearer a.b.c d', 'white space inside the token'],
  ['eyJhbGciOiJFUzI1NiJ9.e30.c2ln', 'expected "Bearer" and a space before the token'],
  ['bearer\u00a0a.b.c', 'white space inside the token'],
  ['Bearer:a.b.c', 'expected "Bearer" and a space before the token'],
])('an Authorization header %j is said to be wrong: %s', (header, fault) => {
  expect(readBearerToken(header)).toEqual({ kind: 'unusable', fault: `Authorization: ${fault}` })
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
