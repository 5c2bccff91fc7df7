import { LocalLedger } from '../../src/limits/ledger.ts'
import { ledgerLimits, type NodeLimits } from '../../src/limits/ledger-limits.ts'
import { defaultLimits } from './defaults.ts'

/** A ledger with production's limits but those that are named. */
export function createTestLedger(limits: Partial<NodeLimits> = {}, now?: () => number): LocalLedger {
  return new LocalLedger(ledgerLimits({ ...defaultLimits, ...limits }), now)
}
