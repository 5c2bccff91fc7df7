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

/** The client's name for a request, echoed in the answer. */
export type RequestId = string | number

/** A fault of the client: sent to it and counted, never thrown. */
export interface RequestFault {
  readonly code: ErrorCode
  /** Names the value, the rule and the cure, for people who read the client's log. */
  readonly detail: string
  readonly id?: RequestId | undefined
}

/** Returns the message that tells a client of a fault (`PROTOCOL.md` §6). */
export function errorMessage(fault: RequestFault): object {
  const { code, detail, id } = fault
  return { T: 'error', code, msg: errorTexts[code], detail, ...(id === undefined ? {} : { id }) }
}
