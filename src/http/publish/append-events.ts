import type { MarketEvent } from '../../event/event.ts'
import type { Position } from '../../event/position.ts'
import { type Answer, Refusal } from '../answer.ts'
import type { Warning } from './event-check.ts'

/** Why the log did not take an event: surely nothing was written, or nobody knows. */
export type AppendFault = 'unsent' | 'unconfirmed'

/** What became of an event. */
export type AppendOutcome = { readonly position: Position } | { readonly fault: AppendFault }

/**
 * Appends events to the log, in the order of the calls for each key, and says in their order what became of each. Never
 * rejects. How appends are batched is the log's own matter.
 */
export type AppendEvents = (events: readonly MarketEvent[]) => Promise<readonly AppendOutcome[]>

/** All that a peer is told of a fault of the log. */
const faultsInWords: Readonly<Record<AppendFault, string>> = {
  unsent: 'not published: the log did not take it; publish it again',
  unconfirmed:
    'not confirmed: the log did not answer, and may have it; published again, it may be there twice',
}

const retryAfterS = '5'

/** The answer that tells of each event where it lies, or why it does not: 200 unless none was published. */
export function answerOf(outcomes: readonly AppendOutcome[], warnings: readonly Warning[]): Answer {
  const failed = outcomes.filter(outcome => 'fault' in outcome).length
  const members = {
    events: outcomes.map(inWords),
    failed,
    ...(warnings.length === 0 ? {} : { warnings }),
  }
  if (failed < outcomes.length) return { status: 200, headers: {}, body: members }
  return new Refusal(503, 'no event was confirmed as published; see "events"', {
    headers: { 'retry-after': retryAfterS },
    members,
  })
}

function inWords(outcome: AppendOutcome): object {
  if ('fault' in outcome) return { error: faultsInWords[outcome.fault] }
  const { partition, epoch, offset } = outcome.position
  return { topic: partition.topic, partition: partition.partition, epoch, position: offset }
}
