import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Client, TrustedProxies } from '../../src/app/trusted-proxies.ts'
import { addressKey, parseAddressRange } from '../../src/system/ip-address.ts'

const proxies = new TrustedProxies(['10.0.0.0/8', '2001:db8:ff::/48'].map(range => parseAddressRange(range)!))

function clientOf(headers: IncomingMessage['headers'], remoteAddress = '10.0.0.7'): Client {
  return proxies.clientOf({ headers, socket: { remoteAddress } as Socket })
}

describe('the client of a trusted proxy', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['192.0.2.1:4711', '192.0.2.1'],
    ['192.0.2.1:4711, 10.1.2.3:8080', '192.0.2.1'],
    ['198.51.100.9, 192.0.2.1:4711, 10.1.2.3', '192.0.2.1'],
    ['[2001:db8::1]:4711', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['2001:DB8:0::1, [2001:db8:ff::7]:443', '2001:db8::1'],
    ['::ffff:192.0.2.1, ::ffff:10.1.2.3', '192.0.2.1'],
    ['192.0.2.1, , ', '192.0.2.1'],
    // What cannot be read is not believed, nor is what stands before it.
    ['192.0.2.1, unknown', '10.0.0.7'],
    ['192.0.2.1, 300.1.2.3, 10.1.2.3', '10.1.2.3'],
    ['192.0.2.1:port', '10.0.0.7'],
    ['0x7f.1', '10.0.0.7'],
    ['', '10.0.0.7'],
  ])('is, by X-Forwarded-For: %s, %s', (header, address) => {
    expect(clientOf({ 'x-forwarded-for': header }).address).toBe(address)
  })

  test.each([
    ['for=192.0.2.43', '192.0.2.43', undefined],
    ['For="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17', undefined],
    ['for=192.0.2.60;proto=http;by=203.0.113.43', '192.0.2.60', 'http'],
    ['for=192.0.2.43, for=198.51.100.17', '198.51.100.17', undefined],
    ['for=192.0.2.43;proto=HTTPS, for="10.1.2.3:_obf";proto=http', '192.0.2.43', 'https'],
    ['for="192.0.2.43:47011";host="a,b;c=\\"d";proto=wss', '192.0.2.43', 'wss'],
    ['for=192.0.2.43;proto=https, for=unknown;proto=http', '10.0.0.7', 'http'],
    ['for=_hidden;proto=https', '10.0.0.7', 'https'],
    ['proto=https', '10.0.0.7', 'https'],
    ['for=192.0.2.43;proto=https, for="', '10.0.0.7', undefined],
    ['for=192.0.2.43:47011;proto=https', '10.0.0.7', undefined],
    ['', '10.0.0.7', undefined],
  ])('is, by Forwarded: %s, %s and has spoken %s', (forwarded, address, scheme) => {
    expect(clientOf({ forwarded })).toEqual({ address, scheme, isProxied: true })
  })

  test.each([
    ['https', '192.0.2.1', 'https'],
    ['http, https', '192.0.2.1', 'https'],
    ['https, http', '192.0.2.1, 10.1.2.3', 'https'],
    ['https', '192.0.2.1, 10.1.2.3', 'https'],
    ['https, http', '10.1.2.3, 192.0.2.1', 'http'],
  ])('has spoken, by X-Forwarded-Proto: %s beside %s, %s', (scheme, address, spoken) => {
    expect(clientOf({ 'x-forwarded-for': address, 'x-forwarded-proto': scheme }).scheme).toBe(spoken)
  })

  test('is said by X-Forwarded-… alone where both kinds of header are there', () => {
    const forwarded = 'for=198.51.100.9;proto=https'
    expect(clientOf({ forwarded, 'x-forwarded-for': '192.0.2.1' })).toMatchObject({
      address: '192.0.2.1',
      scheme: undefined,
    })
    expect(clientOf({ forwarded, 'x-forwarded-proto': 'http' })).toMatchObject({
      address: '10.0.0.7',
      scheme: 'http',
    })
  })
})

test('an untrusted sender is the client itself, whatever its headers say', () => {
  const headers = { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https', forwarded: 'for=192.0.2.2' }
  expect(clientOf(headers, '203.0.113.5')).toEqual({
    address: '203.0.113.5',
    isProxied: false,
    scheme: undefined,
  })
  expect(clientOf(headers, '::ffff:10.0.0.7').isProxied).toBe(true)
})

/** Ways to write an IPv4 address. */
const spellingsOf4 = (address: string): readonly string[] => {
  const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number)
  const [high, low] = [a * 256 + b, c * 256 + d].map(group => group.toString(16))
  return [address, `::ffff:${address}`, `::FFFF:${high}:${low}`, `0:0:0:0:0:ffff:${high}:${low}`]
}
/** Ways to write an IPv6 address that is given by its eight groups. */
const spellingsOf6 = (groups: readonly number[]): readonly string[] => {
  const full = groups.map(group => group.toString(16).padStart(4, '0')).join(':')
  return [full, full.toUpperCase(), groups.map(group => group.toString(16)).join(':')]
}
/** Ways for a proxy to write an address, and whether only brackets tell its end. */
const writings: readonly ((address: string, port: number) => IncomingMessage['headers'])[] = [
  address => ({ 'x-forwarded-for': address }),
  (address, port) => ({ 'x-forwarded-for': `203.0.113.5, ${bracketed(address)}:${port}, 10.9.8.7:80` }),
  (address, port) => ({ forwarded: `for="${bracketed(address)}:${port}";proto=https` }),
  address => ({ forwarded: `for="${bracketed(address)}", for=10.9.8.7` }),
]
const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address)

test('an address has one key, however it is written', () => {
  const spellings = fc.oneof(
    fc.ipV4().map(spellingsOf4),
    fc
      .array(fc.integer({ min: 1, max: 0xffff }), { minLength: 8, maxLength: 8 })
      .map(groups => spellingsOf6(groups)),
  )
  fc.assert(
    fc.property(spellings, fc.integer({ min: 1, max: 65_535 }), (addresses, port) => {
      fc.pre(!addresses[0]!.startsWith('10.'))
      const keys = addresses.flatMap(address => [
        addressKey(address),
        ...writings.map(write => addressKey(clientOf(write(address, port)).address)),
      ])
      expect(new Set(keys).size).toBe(1)
    }),
  )
})
