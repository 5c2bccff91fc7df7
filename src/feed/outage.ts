import { type Moment, wallTimeOf } from '../system/clock.ts'

/** Why a feed is not read: the log is unreachable, or records that were read wait for the decoder module. */
export const outageSources = ['unreachable', 'decoding'] as const

/** An outage: a feed is not read at the moment, at least in part, so its lag is unknown. */
export interface Outage {
  readonly source: (typeof outageSources)[number]
  /** On the steady clock. */
  readonly sinceMs: number
  /** The reason, for an operator. */
  readonly why?: string | undefined
}

/** An outage as the gateway reports it. */
export interface OutageReport {
  readonly source: Outage['source']
  /** RFC 3339. */
  readonly since: string
  readonly reason?: string
}

export function reportOutage({ source, sinceMs, why }: Outage, now: Moment): OutageReport {
  const since = new Date(wallTimeOf(sinceMs, now)).toISOString()
  return { source, since, ...(why === undefined ? {} : { reason: why }) }
}
