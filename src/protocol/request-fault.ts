/** The faults that a client is told of, by Alpaca's codes; 429 is ours. A dialect has the texts. */
export const errorCodes = [400, 401, 402, 403, 404, 405, 406, 407, 409, 429, 500] as const

export type ErrorCode = (typeof errorCodes)[number]

/** The client's name for a request, echoed in the answer. */
export type RequestId = string | number

/** A fault of the client: sent to it and counted, never thrown. */
export interface RequestFault {
  readonly code: ErrorCode
  /** Names the value, the rule and the cure, for people who read the client's log. */
  readonly detail: string
  readonly id?: RequestId | undefined
  /**
   * What it is about where the code leaves that open, for transports with codes of their own: the token's
   * scope, the user's own share, or something that is out of reach for now.
   */
  readonly cause?: 'scope' | 'share' | 'outage' | undefined
}
