import type { Registry } from 'prom-client'
import { keySetOutcomes } from '../auth/key-set-request.ts'
import type { KeySet } from '../auth/key-set.ts'
import { closeReasons, closeReasonTerms } from '../protocol/close-reason.ts'
import type { Sessions } from '../session/sessions.ts'
import {
  type Row,
  declareCounter,
  declareGauge,
  rows,
  rowsByFeed,
  rowsByTransport,
} from './declare-metric.ts'

/** Declares the metrics of connections and sessions. */
export function declareSessions(registry: Registry, sessions: Sessions): void {
  declareGauge(registry, {
    name: 'ticker_connections',
    help: 'Open stream connections, by transport',
    hint: 'A jump: another node is gone, or clients reconnect again and again',
    labelNames: ['transport'],
    aggregator: 'sum',
    read: () => rows('transport', sessions.connections),
  })
  declareGauge(registry, {
    name: 'ticker_sessions',
    help: 'Sessions by feed, transport and state',
    hint: 'Many connected or verifying: clients do not authenticate, or the key set is slow',
    labelNames: ['feed', 'transport', 'state'],
    aggregator: 'sum',
    read: () =>
      rowsByFeed(sessions.feeds, ({ states }) =>
        rowsByTransport(states, ({ connected, verifying, live, renewing }) =>
          rows('state', { connected, verifying, live, renewing }),
        ),
      ),
  })
  declareCounter(registry, {
    name: 'ticker_session_errors_total',
    help: 'Errors sent to clients by code (PROTOCOL.md §6)',
    hint:
      'A rise of 402: tokens are refused. Of 406: the node is full. Of 407: clients are too slow. ' +
      'Of 429: clients send too much. Of 500: tokens cannot be checked. Of the others: clients are ' +
      'broken',
    labelNames: ['code'],
    read: () => rows('code', sessions.counts.errors),
  })
  declareCounter(registry, {
    name: 'ticker_sessions_closed_total',
    help: 'Sessions that the gateway ended, by transport and reason',
    hint:
      'A rise of too_slow: clients or their networks cannot keep up. Of too_many_messages: clients ' +
      'are broken or hostile. Of token_expired: clients do not renew their tokens. Of unauthorized: ' +
      'tokens are refused. Of internal_error: tokens cannot be checked',
    labelNames: ['transport', 'reason'],
    read: () =>
      rowsByTransport(sessions.counts.closes, closes =>
        closeReasons.map((name): Row => {
          const reason = closeReasonTerms[name].text.replaceAll(' ', '_')
          return [{ reason }, closes[name]]
        }),
      ),
  })
  declareCounter(registry, {
    name: 'ticker_tokens_refused_total',
    help: 'Tokens refused at authentication, by reason',
    hint:
      'A rise of expired: clients do not renew their tokens. Of unavailable: the key set cannot be ' +
      'read. The log has one line a minute for each reason, with the fault',
    labelNames: ['reason'],
    read: () => rows('reason', sessions.counts.tokens),
  })
  declareCounter(registry, {
    name: 'ticker_tokens_renewed_total',
    help: 'Sessions that continued under a further token',
    hint: 'Standing still while sessions end as token_expired: clients do not renew their tokens',
    read: () => sessions.counts.renewals,
  })
  declareCounter(registry, {
    name: 'ticker_sessions_refused_total',
    help: 'Sessions with a valid token that got no slot, by reason',
    hint:
      'A rise of node: add nodes, or raise TICKER_MAX_SESSIONS. Of user or rate: a user has too ' +
      'many sessions, or begins them without a pause. Of memory: see ticker_memory_state',
    labelNames: ['reason'],
    read: () => rows('reason', sessions.admissionCounts.refused),
  })
  declareCounter(registry, {
    name: 'ticker_sessions_delayed_total',
    help: "Sessions that had to wait for their user's turn",
    hint: "A rise: a user's client reconnects without a pause",
    read: () => sessions.admissionCounts.delayed,
  })
  declareGauge(registry, {
    name: 'ticker_revocations',
    help: 'Revocations in force on this node',
    hint: "Near 10000: no more are accepted. Rotate the issuer's key",
    aggregator: 'max',
    read: () => sessions.revocations,
  })
}

/** The keys that check tokens. */
export interface KeySources {
  /** `undefined` with a single key, which is never read again. */
  readonly keySet: KeySet | undefined
}

const noReads = Object.fromEntries(keySetOutcomes.map(outcome => [outcome, 0]))

/** Declares the metrics of the issuer's key set. */
export function declareKeys(registry: Registry, { keySet }: KeySources): void {
  declareCounter(registry, {
    name: 'ticker_key_set_reads_total',
    help: "Reads of the issuer's key set, by outcome",
    hint:
      'A rise of any other than read: the issuer is away or changed, and the last keys stay valid ' +
      'for TICKER_JWKS_MAX_STALE_S',
    labelNames: ['outcome'],
    read: () => rows('outcome', keySet?.reads ?? noReads),
  })
  declareGauge(registry, {
    name: 'ticker_key_set_age_seconds',
    help:
      'Time since the key set was last read, or since the start if it was never read; 0 without a ' +
      'key set',
    hint: 'Above 5 minutes: the key set cannot be read. At TICKER_JWKS_MAX_STALE_S every token is refused',
    aggregator: 'max',
    read: () => (keySet === undefined ? 0 : keySet.ageMs / 1000),
  })
}
