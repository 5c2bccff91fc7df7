import { TickerError } from '../diagnostics/ticker-error.ts'

/**
 * Why a token was refused; a closed set, for metrics. `key`: no key fits the token. `revoked`: the operator
 * has withdrawn it. `unavailable`: the keys could not be read, so the token may be valid and the peer may try
 * again.
 */
export const tokenFaults = [
  'malformed',
  'expired',
  'not_yet_valid',
  'audience',
  'issuer',
  'algorithm',
  'signature',
  'key',
  'claims',
  'revoked',
  'unavailable',
] as const

export type TokenFault = (typeof tokenFaults)[number]

interface TokenErrorOptions extends ErrorOptions {
  /** An explanation for the peer, beside the reason. */
  readonly hint?: string
}

/** A token was refused for `reason`; `cause` is jose's error. Messages never contain the token. */
export class TokenError extends TickerError {
  readonly code = 'TICKER_TOKEN'
  readonly reason: TokenFault
  readonly #hint: string | undefined

  constructor(reason: TokenFault, message: string, { hint, ...options }: TokenErrorOptions = {}) {
    super(message, options)
    this.reason = reason
    this.#hint = hint
  }

  /** The message for the peer that sent the token. */
  get refusal(): string {
    return `the token was refused: ${this.reason}${this.#hint === undefined ? '' : ` (${this.#hint})`}`
  }
}
