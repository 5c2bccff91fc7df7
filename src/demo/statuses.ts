import type { Status } from '../event/event.ts'
import type { Stock } from './stock.ts'

/**
 * The statuses of the demo market, with the codes of UTP (tape C). The opening uses them for every tape, so that one table
 * reads the whole demo; halts happen to tape C only.
 */
const statuses = {
  opening: { sc: 'T', sm: 'Trading', rc: '', rm: '' },
  halt: { sc: 'H', sm: 'Trading Halt', rc: 'LUDP', rm: 'Volatility Trading Pause' },
  resumption: { sc: 'T', sm: 'Trading Resumption', rc: '', rm: '' },
} as const satisfies Record<string, Pick<Status, 'sc' | 'sm' | 'rc' | 'rm'>>

export function statusEvent(kind: keyof typeof statuses, stock: Stock, t: string): Status {
  return { T: 's', S: stock.instrument.symbol, ...statuses[kind], t, z: stock.instrument.tape }
}
