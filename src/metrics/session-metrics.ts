import type { Registry } from 'prom-client'
import { keySetOutcomes } from '../auth/key-set-request.ts'
import type { KeySet } from '../auth/key-set.ts'
import { closeCodes, closeReasons } from '../protocol/close-code.ts'
import type { Sessions } from '../session/sessions.ts'
import { type Row, declareCounter, declareGauge, rows } from './declare-metric.ts'

/** Declares what is known of connections and sessions. */
export function declareSessions(registry: Registry, sessions: Sessions): void {
  declareGauge(
    registry,
    'ticker_connections',
    'Open stream connections. A jump: another node is gone, or clients connect again and again',
    [],
    () => sessions.size,
  )
  declareGauge(
    registry,
    'ticker_sessions',
    'Sessions by state. Many connected or verifying: clients do not authenticate, or the key set is slow',
    ['state'],
    () => {
      const { connected, verifying, live, renewing } = sessions.counts.states
      return rows('state', { connected, verifying, live, renewing })
    },
  )
  declareCounter(
    registry,
    'ticker_session_errors_total',
    'Errors told to clients by code (PROTOCOL.md §6). A rise of 402: tokens are refused; of 406: the node is full; of 407: clients are too slow; of 429: they say too much; of 500: tokens cannot be checked; of the others: clients are broken',
    ['code'],
    () => rows('code', sessions.counts.errors),
  )
  declareCounter(
    registry,
    'ticker_sessions_closed_total',
    'Sessions the gateway ended by reason. A rise of too_slow: clients or their networks cannot keep up; of too_many_messages: clients are broken or hostile; of token_expired: they do not renew their tokens; of unauthorized: tokens are refused; of internal_error: tokens cannot be checked',
    ['reason'],
    () =>
      closeReasons.map((name): Row => {
        const reason = closeCodes[name].reason.replaceAll(' ', '_')
        return [{ reason }, sessions.counts.closes[name]]
      }),
  )
  declareCounter(
    registry,
    'ticker_tokens_refused_total',
    'Tokens refused at authentication by reason. A rise of expired: clients do not renew theirs; of unavailable: the key set cannot be read; the log has a line for each reason a minute, with what is wrong',
    ['reason'],
    () => rows('reason', sessions.counts.tokens),
  )
  declareCounter(
    registry,
    'ticker_tokens_renewed_total',
    'Sessions that went on with a further token. Standing still while sessions end as token_expired: clients do not renew',
    [],
    () => sessions.counts.renewals,
  )
  declareCounter(
    registry,
    'ticker_sessions_refused_total',
    'Sessions with a good token that got no place, by reason. A rise of node: add nodes, or raise TICKER_MAX_SESSIONS; of user or rate: a user has too many sessions, or begins them without a pause; of memory: see ticker_memory_state',
    ['reason'],
    () => rows('reason', sessions.admissionCounts.refused),
  )
  declareCounter(
    registry,
    'ticker_sessions_delayed_total',
    "Sessions that had to wait for their user's turn. A rise: a user's client connects again without a pause",
    [],
    () => sessions.admissionCounts.delayed,
  )
  declareGauge(
    registry,
    'ticker_revocations',
    'Revocations in force on this node. Near 10000: no more are taken; rotate the key of the issuer',
    [],
    () => sessions.revocations,
  )
}

/** The keys that tokens are checked with. */
export interface KeySources {
  /** `undefined` where there is one key, which is never read again. */
  readonly keySet: KeySet | undefined
}

const noReads = Object.fromEntries(keySetOutcomes.map(outcome => [outcome, 0]))

/** Declares what is known of the issuer's key set. */
export function declareKeys(registry: Registry, { keySet }: KeySources): void {
  declareCounter(
    registry,
    'ticker_key_set_reads_total',
    "Reads of the issuer's key set by outcome. A rise of the others than read: the issuer is away or changed, and the keys read last go on for TICKER_JWKS_MAX_STALE_S",
    ['outcome'],
    () => rows('outcome', keySet?.reads ?? noReads),
  )
  declareGauge(
    registry,
    'ticker_key_set_age_seconds',
    'Time since the key set was last read, or since the start where it never was; 0 without one. Above 5 minutes: it cannot be read, and at TICKER_JWKS_MAX_STALE_S every token is refused',
    [],
    () => (keySet === undefined ? 0 : keySet.ageMs / 1000),
  )
}
