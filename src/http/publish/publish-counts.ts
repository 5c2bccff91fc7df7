import { type AnswerStatus, refusalStatuses } from '../answer.ts'

/** Why events of a request were not published, or may not have been; a closed set, for metrics. */
export const refusedReasons = [
  'invalid',
  'unentitled',
  'rate',
  'pending',
  'silence',
  'unsent',
  'unconfirmed',
  'forbidden',
  'oversize',
  'rejected',
] as const

export type RefusedReason = (typeof refusedReasons)[number]

/** What a request came to: the status of its answer, or `aborted` where its sender left before its body was whole. */
export type RequestEnd = AnswerStatus | 'aborted'

/** What became of `POST /v1/events` since start. */
export interface PublishCounts {
  readonly requests: Record<RequestEnd, number>
  /** Events that were appended, each with its position. */
  published: number
  /** Of a request that was refused as a whole, every event counts. */
  readonly refused: Record<RefusedReason, number>
  /** Events that the log has not answered yet. */
  pending: number
}

export function createPublishCounts(): PublishCounts {
  const ends: readonly RequestEnd[] = [200, ...refusalStatuses, 'aborted']
  return {
    requests: Object.fromEntries(ends.map(end => [end, 0])) as Record<RequestEnd, number>,
    published: 0,
    refused: Object.fromEntries(refusedReasons.map(reason => [reason, 0])) as Record<RefusedReason, number>,
    pending: 0,
  }
}
