import { TickerError } from '../../ticker-error.ts'

/**
 * Bytes that are not `ticker.v1.tape` as PROTOCOL.md §10 has it, or that do not follow on what came before them. The decoder
 * that threw it is of no further use: connect anew and resume.
 */
export class TapeError extends TickerError {
  readonly code = 'TICKER_TAPE'
}
