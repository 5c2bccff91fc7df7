import { describe, expect, test } from 'vitest'
import { isLoopback } from '../../src/system/ip-address.ts'
import { isOriginAllowed } from '../../src/auth/request-headers.ts'

describe('an origin', () => {
  test('that is absent may connect whatever is allowed', () => {
    expect(isOriginAllowed(undefined, new Set())).toBe(true)
    expect(isOriginAllowed(undefined, 'loopback')).toBe(true)
  })

  test('may connect when listed, exactly', () => {
    const allowed = new Set(['https://app.example.com'])
    expect(isOriginAllowed('https://app.example.com', allowed)).toBe(true)
    expect(isOriginAllowed('http://app.example.com', allowed)).toBe(false)
    expect(isOriginAllowed('https://app.example.com.evil.example', allowed)).toBe(false)
    expect(isOriginAllowed('null', allowed)).toBe(false)
  })

  test('may connect when every one may', () => {
    expect(isOriginAllowed('https://any.example', '*')).toBe(true)
    expect(isOriginAllowed('null', '*')).toBe(true)
  })

  test.each(['http://127.0.0.1:8080', 'http://localhost:3000', 'https://localhost', 'http://[::1]:8080'])(
    '%s is on loopback',
    origin => expect(isOriginAllowed(origin, 'loopback')).toBe(true),
  )

  test.each([
    'http://127.0.0.1.evil.example',
    'http://localhost.evil.example',
    'http://localhost@evil.example',
    'http://localhost/',
    'http://192.168.1.1',
    'null',
    '',
    'localhost',
  ])('%s is not on loopback', origin => expect(isOriginAllowed(origin, 'loopback')).toBe(false))
})

test.each(['127.0.0.1', '127.255.0.1', '::1', '0:0:0:0:0:0:0:1', 'localhost', 'LOCALHOST'])(
  '%s is loopback',
  host => expect(isLoopback(host)).toBe(true),
)

test.each(['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', '::2', 'example.com', 'localhost.example', ''])(
  '%s is not loopback',
  host => expect(isLoopback(host)).toBe(false),
)
