import type { FastifyReply } from 'fastify'

/** The response to a request; its body is JSON. */
export interface Answer {
  readonly status: AnswerStatus
  readonly headers: Readonly<Record<string, string>>
  readonly body: object
}

/** A closed set, for metrics. */
export const refusalStatuses = [400, 401, 403, 405, 408, 413, 415, 422, 429, 500, 503] as const

export type RefusalStatus = (typeof refusalStatuses)[number]

export type AnswerStatus = 200 | RefusalStatus

/** The parts of a refusal besides its message. */
export interface RefusalDetails {
  readonly headers?: Readonly<Record<string, string>>
  /** Further members of the body. */
  readonly members?: Readonly<Record<string, unknown>>
}

/**
 * The response to a refused request, with the reason in `error`. It is returned, not thrown: the sender can
 * mend it.
 */
export class Refusal implements Answer {
  readonly status: RefusalStatus
  readonly headers: Readonly<Record<string, string>>
  readonly body: { readonly error: string }

  constructor(status: RefusalStatus, error: string, { headers = {}, members = {} }: RefusalDetails = {}) {
    this.status = status
    this.headers = headers
    this.body = { error, ...members }
  }
}

/** Creates a temporary refusal, which tells the peer to try again after some seconds. */
export function refuseForNow(status: 429 | 503, error: string, afterS: number): Refusal {
  return new Refusal(status, error, { headers: { 'retry-after': String(afterS) } })
}

/** Sends a response. Resolves when Fastify has accepted it. */
export async function sendAnswer(reply: FastifyReply, { status, headers, body }: Answer): Promise<void> {
  await reply.code(status).headers(headers).send(body)
}
