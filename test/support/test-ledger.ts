import { LocalQuotas } from '../../src/limits/node-quotas.ts'
import { quotaLimits, type NodeLimits } from '../../src/limits/node-limits.ts'
import { defaultLimits } from './defaults.ts'

/** A ledger with production's limits but those that are named. */
export function createTestLedger(limits: Partial<NodeLimits> = {}, now?: () => number): LocalQuotas {
  return new LocalQuotas(quotaLimits({ ...defaultLimits, ...limits }), now)
}
