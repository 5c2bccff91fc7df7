import { type Moment, wallTimeOf } from '../system/clock.ts'

/** Why a feed is not read: the log cannot be, or what was read waits for the decoder module. */
export const outageSources = ['unreachable', 'decoding'] as const

/** A feed is not read at the moment, at least in part, so that nobody knows how much there is to read. */
export interface Outage {
  readonly source: (typeof outageSources)[number]
  /** On a clock that only goes on. */
  readonly sinceMs: number
  /** In words for an operator. */
  readonly why?: string | undefined
}

/** An outage as it is told outside. */
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
