import type { Registry } from 'prom-client'
import { type AdminCounts, createAdminCounts } from '../admin/admin-counts.ts'
import type { PublishCounts } from '../http/publish/publish-counts.ts'
import { declareCounter, declareGauge, rows } from './declare-metric.ts'

/** Declares the metrics of `POST /v1/events`. */
export function declarePublishing(registry: Registry, counts: PublishCounts): void {
  declareCounter(registry, {
    name: 'ticker_publish_requests_total',
    help: 'Requests to /v1/events, by status of the answer (PROTOCOL.md §9)',
    hint:
      'A rise of 401 or 403: tokens are refused or allow too little. Of 413, 429 or 503: a limit is ' +
      'reached or the log does not answer. Of aborted: senders give up. Of 500: the gateway has a ' +
      'fault (the log lines name it)',
    labelNames: ['status'],
    read: () => rows('status', counts.requests),
  })
  declareCounter(registry, {
    name: 'ticker_published_events_total',
    help: 'Events that POST /v1/events appended to the log',
    hint: 'Standing still while requests come: the requests are refused',
    read: () => counts.published,
  })
  declareCounter(registry, {
    name: 'ticker_publish_refused_events_total',
    help: 'Events that POST /v1/events did not append, by reason',
    hint:
      'A rise of unsent, unconfirmed or forbidden: the log cannot be written (the log lines say ' +
      'why). Of pending: the log is slow. Of the others: a producer is broken or too fast',
    labelNames: ['reason'],
    read: () => rows('reason', counts.refused),
  })
  declareGauge(registry, {
    name: 'ticker_publish_pending_events',
    help: 'Events of POST /v1/events that wait for the log',
    hint: 'Near TICKER_PUBLISH_MAX_PENDING: the log is slow or away',
    aggregator: 'sum',
    read: () => counts.pending,
  })
}

/** The administration listener. */
export interface AdminSources {
  /** `undefined` without an administration listener. */
  readonly administration: AdminCounts | undefined
}

const none = createAdminCounts()

/** Declares the metrics of administration. */
export function declareAdministration(registry: Registry, { administration }: AdminSources): void {
  declareCounter(registry, {
    name: 'ticker_admin_requests_total',
    help: 'Requests to the administration listener, by status of the answer',
    hint:
      'A rise of 401 or 429: somebody guesses the token, or has an old one. Of 403: a page in a ' +
      'browser tries. Of 500: the gateway has a fault',
    labelNames: ['status'],
    aggregator: 'first',
    read: () => rows('status', administration ?? none),
  })
}
