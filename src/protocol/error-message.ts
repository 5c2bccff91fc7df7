/** Alpaca's error codes with their exact texts, which its SDKs match on; 429 is ours. */
export const errorTexts = {
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
} as const satisfies Record<number, string>

export type ErrorCode = keyof typeof errorTexts

export const errorCodes: readonly ErrorCode[] = [400, 401, 402, 403, 404, 405, 406, 407, 409, 429, 500]

/** A request's own name for itself, echoed in its answer. */
export type RequestId = string | number

/** A peer fault: told to the client, counted, never thrown. */
export interface RequestFault {
  readonly code: ErrorCode
  /** The value, the rule and the cure, for whoever reads the client's log. */
  readonly detail: string
  readonly id?: RequestId | undefined
}

/** The message that tells a client of a fault (`PROTOCOL.md` §6). */
export function errorMessage(fault: RequestFault): object {
  const { code, detail, id } = fault
  return { T: 'error', code, msg: errorTexts[code], detail, ...(id === undefined ? {} : { id }) }
}
