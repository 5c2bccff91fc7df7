/** Why a handshake was refused. */
export const refusalReasons = [
  'not_ready',
  'origin',
  'query',
  'version',
  'subprotocol',
  'malformed',
  'address',
  'rate',
  'memory',
  'silence',
] as const

export type RefusalReason = (typeof refusalReasons)[number]

/** Handshakes refused since start, by reason. */
export type RefusalCounts = Record<RefusalReason, number>

export function createRefusalCounts(): RefusalCounts {
  return {
    not_ready: 0,
    origin: 0,
    query: 0,
    version: 0,
    subprotocol: 0,
    malformed: 0,
    address: 0,
    rate: 0,
    memory: 0,
    silence: 0,
  }
}
