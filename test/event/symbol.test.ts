import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSymbol, symbolPattern, toSymbol } from '../../src/event/symbol.ts'
import { anySymbol, houseSymbols } from '../support/any-symbol.ts'

const matchesPattern = new Ajv2020().compile({ type: 'string', pattern: symbolPattern })

// Cause: the alphabet was letters, digits and `. _ / -`, at most 32, with a letter or digit first.
// Symptom: futures, indices, options, currencies and every other script were poison, and could not be
// subscribed to.
// Seen: feeds of several houses, published from outside (issue 13).
test.each(houseSymbols)('%j is a symbol', symbol => {
  expect([isSymbol(symbol), toSymbol(symbol), matchesPattern(symbol)]).toEqual([true, symbol, true])
})

test.each([
  '',
  '*',
  ' A',
  'A ',
  ' ',
  'A,B',
  'A"B',
  'A\\B',
  'A\tB',
  'A\nB',
  'A\n',
  'A\0B',
  'A\u007fB',
  'A\u00a0B',
  'A\u2028B',
  'A\u200bB',
  'A\ufffd',
  'A\ud83d',
  '\udc00A',
  '\u0301A',
  '📈',
  'X'.repeat(65),
  '𠀀'.repeat(65),
  'X'.repeat(100_000),
])('%j is none', text => {
  expect([isSymbol(text), toSymbol(text), matchesPattern(text)]).toEqual([false, undefined, false])
})

test('another form of a symbol stands for the symbol in NFC', () => {
  expect(isSymbol('E\u0301')).toBe(false)
  expect(toSymbol('E\u0301')).toBe('É')
  expect(toSymbol('\u212b')).toBe('Å')
  expect(toSymbol('E\u0301'.repeat(64))).toBe('É'.repeat(64))
  expect(toSymbol('E\u0301'.repeat(65))).toBeUndefined()
})

test('a text stands for a symbol, which stands for itself', () => {
  fc.assert(
    fc.property(fc.oneof(anySymbol, fc.string({ unit: 'binary', maxLength: 70 })), text => {
      const symbol = toSymbol(text)
      expect(isSymbol(text)).toBe(symbol === text)
      if (symbol !== undefined) expect([isSymbol(symbol), toSymbol(symbol)]).toEqual([true, symbol])
      if (text === text.normalize('NFC')) expect(matchesPattern(text)).toBe(symbol === text)
    }),
    { numRuns: 5000 },
  )
})
