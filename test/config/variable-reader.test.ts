import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { nearestName } from '../../src/config/variable-reader.ts'

const names = ['TICKER_PORT', 'TICKER_HOST', 'TICKER_MAX_ITEMS']

test.each([
  ['TICKER_PROT', 'TICKER_PORT'],
  ['TICKER_POR', 'TICKER_PORT'],
  ['TICKER_HOSTS', 'TICKER_HOST'],
  ['TICKER_MAXITEMS', 'TICKER_MAX_ITEMS'],
])('%s was most likely meant to be %s', (text, name) => {
  expect(nearestName(text, names)).toBe(name)
})

test('a text that resembles no name has no nearest one', () => {
  expect(nearestName('SOMETHING_ELSE', names)).toBeUndefined()
  expect(nearestName('', names)).toBeUndefined()
  expect(nearestName('TICKER_PORT'.repeat(10_000), names)).toBeUndefined()
})

test('every name is nearest to itself, and found with any one letter left out', () => {
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.nat({ max: 10 }), (name, index) => {
      expect(nearestName(name, names)).toBe(name)
      expect(nearestName(name.slice(0, index) + name.slice(index + 1), [name])).toBe(name)
    }),
  )
})
