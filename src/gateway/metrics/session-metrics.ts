import type { Registry } from 'prom-client'
import { closeCodes, closeReasons } from '../../session/close-code.ts'
import type { Sessions } from '../../session/sessions.ts'
import { counter, gauge, type Row, rows } from './read-metric.ts'

/** Declares what is known of connections and sessions. */
export function declareSessions(registry: Registry, sessions: Sessions): void {
  gauge(
    registry,
    'ticker_connections',
    'Open stream connections. A jump: another node is gone, or clients connect again and again',
    [],
    () => sessions.size,
  )
  gauge(
    registry,
    'ticker_sessions',
    'Sessions by state. Many connected or verifying: clients do not authenticate, or the key set is slow',
    ['state'],
    () => {
      const { connected, verifying, live, renewing } = sessions.counts.states
      return rows('state', { connected, verifying, live, renewing })
    },
  )
  counter(
    registry,
    'ticker_session_errors_total',
    'Errors told to clients by code (PROTOCOL.md §6). A rise of 402: tokens are refused; of 406: the node is full; of 407: clients are too slow; of 429: they say too much; of 500: tokens cannot be checked; of the others: clients are broken',
    ['code'],
    () => rows('code', sessions.counts.errors),
  )
  counter(
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
  counter(
    registry,
    'ticker_tokens_refused_total',
    'Tokens refused at authentication by reason. A rise of expired: clients do not renew theirs; of unavailable: the key set cannot be read; the log has a line for each reason a minute, with what is wrong',
    ['reason'],
    () => rows('reason', sessions.counts.tokens),
  )
  counter(
    registry,
    'ticker_tokens_renewed_total',
    'Sessions that went on with a further token. Standing still while sessions end as token_expired: clients do not renew',
    [],
    () => sessions.counts.renewals,
  )
  counter(
    registry,
    'ticker_sessions_refused_total',
    'Sessions with a good token that got no place, by reason. A rise of node: add nodes, or raise TICKER_MAX_SESSIONS; of user or rate: a user has too many sessions, or begins them without a pause; of memory: see ticker_memory_state',
    ['reason'],
    () => rows('reason', sessions.placeCounts.refused),
  )
  counter(
    registry,
    'ticker_sessions_delayed_total',
    "Sessions that had to wait for their user's turn. A rise: a user's client connects again without a pause",
    [],
    () => sessions.placeCounts.delayed,
  )
  gauge(
    registry,
    'ticker_revocations',
    'Revocations in force on this node. Near 10000: no more are taken; rotate the key of the issuer',
    [],
    () => sessions.revocations,
  )
}
