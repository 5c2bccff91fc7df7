import { TickerError } from '../diagnostics/ticker-error.ts'

/** The refusal of an administrator's request: its message names the value, the rule and the cure. */
export class AdminFault extends TickerError {
  readonly code = 'TICKER_ADMIN_REQUEST'
  readonly statusCode: 400 | 401 | 403 | 404 | 409 | 429 | 503
  /** Seconds after which to try again. */
  readonly retryAfterS: number | undefined

  constructor(statusCode: AdminFault['statusCode'], message: string, retryAfterS?: number) {
    super(message)
    this.statusCode = statusCode
    this.retryAfterS = retryAfterS
  }
}
