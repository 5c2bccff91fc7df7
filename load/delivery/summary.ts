import { type Spread, spreadOf, spreadsOf } from '../statistics.ts'
import type { Figures, Turn } from './rounds.ts'

/** One server with batches of one size, over all rounds. */
export interface Row {
  readonly peer: string
  readonly size: number
  readonly figures: Readonly<Record<keyof Figures, Spread>>
  /** Its CPU per delivery as a ratio to another server's, from the same round each time; `NaN` where that is not there. */
  ratioTo(peer: string): Spread
  /** The same with everything that each of the two uses. */
  wholeRatioTo(peer: string): Spread
}

/** A row for every server and size, in the order of the first round. */
export function rowsOf(rounds: readonly (readonly Turn[])[]): Row[] {
  return (rounds[0] ?? []).map(({ peer, size }) => {
    const turnsOf = (name: string): (Figures | undefined)[] =>
      rounds.map(turns => turns.find(turn => turn.peer === name && turn.size === size)?.figures)
    const own = turnsOf(peer).filter(figures => figures !== undefined)
    const ratio = (other: string, figure: 'fanoutUs' | 'wholeUs'): Spread => {
      const others = turnsOf(other)
      return spreadOf(own.map((figures, round) => figures[figure] / (others[round]?.[figure] ?? Number.NaN)))
    }
    return {
      peer,
      size,
      figures: spreadsOf(own),
      ratioTo: other => ratio(other, 'fanoutUs'),
      wholeRatioTo: other => ratio(other, 'wholeUs'),
    }
  })
}
