import type { Registry } from 'prom-client'
import type { KeySet } from '../../auth/key-set.ts'
import { keySetOutcomes } from '../../auth/key-set-request.ts'
import { counter, gauge, rows } from './read-metric.ts'

/** The keys that tokens are checked with. */
export interface KeySources {
  /** `undefined` where there is one key, which is never read again. */
  readonly keySet: KeySet | undefined
}

const noReads = Object.fromEntries(keySetOutcomes.map(outcome => [outcome, 0]))

/** Declares what is known of the issuer's key set. */
export function declareKeys(registry: Registry, { keySet }: KeySources): void {
  counter(
    registry,
    'ticker_key_set_reads_total',
    "Reads of the issuer's key set by outcome. A rise of the others than read: the issuer is away or changed, and the keys read last go on for TICKER_JWKS_MAX_STALE_S",
    ['outcome'],
    () => rows('outcome', keySet?.reads ?? noReads),
  )
  gauge(
    registry,
    'ticker_key_set_age_seconds',
    'Time since the key set was last read, or since the start where it never was; 0 without one. Above 5 minutes: it cannot be read, and at TICKER_JWKS_MAX_STALE_S every token is refused',
    [],
    () => (keySet === undefined ? 0 : keySet.ageMs / 1000),
  )
}
