import { TickerError } from '../../ticker-error.ts'

/** There is no access token to show to a broker, or the broker refused it. Never holds the token. */
export class AccessTokenError extends TickerError {
  readonly code = 'TICKER_KAFKA_ACCESS_TOKEN'
}
