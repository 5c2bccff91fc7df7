import type { FastifyReply } from 'fastify'

/** What a request is answered with, as JSON. */
export interface Answer {
  readonly status: AnswerStatus
  readonly headers: Readonly<Record<string, string>>
  readonly body: object
}

/** A closed set, for metrics. */
export const refusalStatuses = [400, 401, 403, 405, 408, 413, 415, 422, 429, 500, 503] as const

export type RefusalStatus = (typeof refusalStatuses)[number]

export type AnswerStatus = 200 | RefusalStatus

/** Beside the message: headers of the answer, and further members of its body. */
export interface RefusalDetails {
  readonly headers?: Readonly<Record<string, string>>
  readonly members?: Readonly<Record<string, unknown>>
}

/** The answer to a request that is not done, with why in `error`. Returned, not thrown: it is its sender's to mend. */
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

/** A refusal that passes by itself; the peer is told to try again after so many seconds. */
export function refuseForNow(status: 429 | 503, error: string, afterS: number): Refusal {
  return new Refusal(status, error, { headers: { 'retry-after': String(afterS) } })
}

/** Sends an answer; resolves when Fastify has taken it. */
export async function sendAnswer(reply: FastifyReply, { status, headers, body }: Answer): Promise<void> {
  await reply.code(status).headers(headers).send(body)
}
