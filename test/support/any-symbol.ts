import fc from 'fast-check'
import { toSymbol } from '../../src/event/symbol.ts'

/**
 * Symbols as houses write them: futures, indices, options, currencies, other scripts, as long as they may be.
 */
export const houseSymbols: readonly string[] = [
  'ES=F',
  '^GSPC',
  'O:SPY251219C00600000',
  'AAPL  240119C00150000',
  'C:EURUSD',
  '/ES',
  '.DJI',
  '$SPX',
  'M&M.NS',
  'BRK.B+',
  '茅台',
  'हिन्दी',
  'É1',
  '=',
  ';',
  'A;quotes:B',
  "<b>'&#39;",
  '{A}',
  '%2F',
  '*A',
  '__proto__',
  'constructor',
  '𝒜',
  'X'.repeat(40),
  'X'.repeat(64),
  '𠀀'.repeat(64),
]

const punctuation = "! # $ % & ' ( ) * + - . / : ; < = > ? @ [ ] ^ _ ` { | } ~".split(' ')

const visible = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('A', 'Z', 'a', 'z', '0', '9') },
  { weight: 6, arbitrary: fc.constantFrom(...punctuation) },
  { weight: 3, arbitrary: fc.constantFrom('é', 'ß', 'Я', '茅', 'ก', '١', '𠀀', '½') },
)
const inner = fc.oneof({ weight: 9, arbitrary: visible }, fc.constantFrom(' ', '  ', '\u0301', 'ู'))

/** Any symbol, in the form in which it is passed on. */
export const anySymbol: fc.Arbitrary<string> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(...houseSymbols) },
  {
    weight: 9,
    arbitrary: fc
      .tuple(visible, fc.array(inner, { maxLength: 61 }), visible)
      .map(([begin, middle, end]) => toSymbol([begin, ...middle, end].join('')))
      .filter(symbol => symbol !== undefined),
  },
)
