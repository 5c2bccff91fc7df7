import type { Tape } from './instruments.ts'

/** The kinds of sale that the demo market knows, in the order in which the tapes list them. */
export type Sale =
  | 'regular'
  | 'odd lot'
  | 'sweep'
  | 'odd lot sweep'
  | 'opening'
  | 'reopening'
  | 'out of sequence'

/**
 * The sale conditions as the consolidated tapes write them: a regular sale is a space on tapes A and B (CTA), `@` on
 * tape C (UTP); I odd lot, F intermarket sweep, O opening print, 5 reopening print, Z out of sequence.
 */
const codes = {
  regular: [],
  'odd lot': ['I'],
  sweep: ['F'],
  'odd lot sweep': ['F', 'I'],
  opening: ['O'],
  reopening: ['5'],
  'out of sequence': ['Z'],
} as const satisfies Record<Sale, readonly string[]>

export type TradeConditions = Readonly<Record<Sale, readonly string[]>>

/** The conditions of a tape's trades, made once and shared by all of them. */
export function createTradeConditions(tape: Tape): TradeConditions {
  const regular = tape === 'C' ? '@' : ' '
  const withRegular = (sale: Sale): readonly string[] => [regular, ...codes[sale]]
  return {
    regular: withRegular('regular'),
    'odd lot': withRegular('odd lot'),
    sweep: withRegular('sweep'),
    'odd lot sweep': withRegular('odd lot sweep'),
    opening: withRegular('opening'),
    reopening: withRegular('reopening'),
    'out of sequence': withRegular('out of sequence'),
  }
}
