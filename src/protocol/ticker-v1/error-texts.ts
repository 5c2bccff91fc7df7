import type { ErrorCode } from '../request-fault.ts'

/** Alpaca's texts of its error codes, to the letter: its SDKs match on them. 429 is ours. */
export const errorTexts: Readonly<Record<ErrorCode, string>> = {
  400: 'invalid syntax',
  401: 'not authenticated',
  402: 'auth failed',
  403: 'already authenticated',
  404: 'auth timeout',
  405: 'symbol limit exceeded',
  406: 'connection limit exceeded',
  407: 'slow client',
  409: 'insufficient subscription',
  429: 'too many messages',
  500: 'internal error',
}
