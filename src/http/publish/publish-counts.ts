import { type AnswerStatus, refusalStatuses } from '../answer.ts'

/** Why events of a request were, or may have been, not published; a closed set, for metrics. */
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

/** How a request ended: with a status, or `aborted` if its sender left before the body was complete. */
export type RequestEnd = AnswerStatus | 'aborted'

/** The counts of `POST /v1/events` since start. */
export interface PublishCounts {
  readonly requests: Record<RequestEnd, number>
  /** Events that were appended. */
  published: number
  /** Every event of a request that was refused as a whole counts. */
  readonly refused: Record<RefusedReason, number>
  /** Events that wait for the log. */
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
