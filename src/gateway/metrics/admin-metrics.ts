import type { Registry } from 'prom-client'
import { type AdminCounts, createAdminCounts } from '../../admin/admin-counts.ts'
import { counter, rows } from './read-metric.ts'

/** The administration listener. */
export interface AdminSources {
  /** `undefined` where there is none. */
  readonly administration: AdminCounts | undefined
}

const none = createAdminCounts()

/** Declares what is known of administration. */
export function declareAdministration(registry: Registry, { administration }: AdminSources): void {
  counter(
    registry,
    'ticker_admin_requests_total',
    'Requests to the administration listener by the status of their answer. A rise of 401 or 429: somebody guesses its token, or has an old one; of 403: a page in a browser tries; of 500: a fault of ours',
    ['status'],
    () => rows('status', administration ?? none),
  )
}
