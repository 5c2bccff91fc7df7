import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressKey } from '../../src/system/ip-address.ts'

test.each([
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['::FFFF:192.0.2.7', '192.0.2.7'],
  ['::ffff:c000:207', '192.0.2.7'],
  ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:0:1:2:3:4:5', '2001:db8:0:1::/64'],
  ['2001:DB8::5', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
  ['1::', '1:0:0:0::/64'],
  ['1:2:3::4:5:6', '1:2:3:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['fe80::1%br-5f.7', 'fe80:0:0:0::/64'],
  ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
])('%s counts as %s', (address, key) => {
  expect(addressKey(address)).toBe(key)
})

test('addresses of one network of 64 bits have one key, of others another', () => {
  const groups = (length: number) =>
    fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: length, maxLength: length })
  const write = (numbers: readonly number[]): string => numbers.map(number => number.toString(16)).join(':')
  fc.assert(
    fc.property(groups(4), groups(4), groups(4), groups(4), (network, other, host, guest) => {
      const [one, two] = [write([...network, ...host]), write([...network, ...guest])]
      // A mapped IPv4 address counts as such.
      fc.pre(addressKey(one).includes(':') && addressKey(two).includes(':'))
      expect(addressKey(one)).toBe(addressKey(two))
      const isSame = network.join() === other.join()
      expect(addressKey(one) === addressKey(write([...other, ...host]))).toBe(isSame)
    }),
  )
})
