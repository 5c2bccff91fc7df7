import { LocalLedger } from '../../src/limits/ledger.ts'
import { ledgerLimits, type NodeLimits } from '../../src/limits/ledger-limits.ts'

/** A ledger whose limits nobody reaches but those that are named. */
export function createTestLedger(limits: Partial<NodeLimits> = {}, now?: () => number): LocalLedger {
  return new LocalLedger(
    ledgerLimits({
      maxConnectionsPerAddress: 1000,
      maxSessionsPerUser: 1000,
      maxSessions: 1000,
      handshakesPerSecond: 1000,
      handshakesPerAddressPerSecond: 1000,
      sessionsPerUserPerSecond: 1000,
      eventsPerSecond: 10_000,
      resumeBytesPerUser: 1e9,
      ...limits,
    }),
    now,
  )
}
