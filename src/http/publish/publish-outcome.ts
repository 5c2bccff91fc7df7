import type { MarketEvent } from '../../event/event.ts'
import type { Position } from '../../event/log-record.ts'
import { type Answer, Refusal } from '../answer.ts'
import type { Warning } from './event-check.ts'

/**
 * Why the log did not take an event. `unconfirmed`: nobody knows whether it is there; of the others it surely is not. It was
 * never sent (`unsent`); or the log refused it, and would again: it does not let the gateway write (`forbidden`), takes no
 * event of that length (`oversize`), or has another rule against it (`rejected`).
 */
export type PublishFault = 'unsent' | 'unconfirmed' | 'forbidden' | 'oversize' | 'rejected'

/** What became of an event. */
export type PublishOutcome = { readonly position: Position } | { readonly fault: PublishFault }

/**
 * Appends events to the log, in the order of the calls for each key, and says in their order what became of each. Never
 * rejects. How appends are batched is the log's own matter.
 */
export type PublishEvents = (events: readonly MarketEvent[]) => Promise<readonly PublishOutcome[]>

/** All that a peer is told of a fault of the log. */
const faultsInWords: Readonly<Record<PublishFault, string>> = {
  unsent: 'not published: the log did not take it; publish it again',
  unconfirmed:
    'not confirmed: the log did not answer, and may have it; published again, it may be there twice',
  forbidden:
    'not published: the log does not let the gateway write there; its operator has to allow it (Kafka: valid credentials, and the ACL Write on the topic)',
  oversize:
    'not published: longer than the log takes (Kafka: max.message.bytes of the topic); publish it shorter',
  rejected: 'not published: it breaks a rule of the log; published again as it is, it would be refused again',
}

/** What the sender of an event can mend. */
const sendersFaults: ReadonlySet<PublishFault> = new Set(['oversize', 'rejected'])

const retryAfterS = '5'
/** An answer that refuses a request as a whole names at most so many events. */
const namedEvents = 20

/** The answer that tells of each event where it lies, or why it does not: 200 unless none was published. */
export function answerOf(outcomes: readonly PublishOutcome[], warnings: readonly Warning[]): Answer {
  const events = outcomes.map(inWords)
  const faults = outcomes.flatMap(outcome => ('fault' in outcome ? [outcome.fault] : []))
  const failed = faults.length
  const members = { events, failed, ...(warnings.length === 0 ? {} : { warnings }) }
  if (failed < outcomes.length) return { status: 200, headers: {}, body: members }
  if (faults.every(fault => sendersFaults.has(fault))) return refuseAll(faults)
  return new Refusal(503, 'no event was confirmed as published; see "events"', {
    headers: { 'retry-after': retryAfterS },
    members,
  })
}

function refuseAll(faults: readonly PublishFault[]): Refusal {
  const problems = faults.map((fault, index) => ({ index, error: faultsInWords[fault] }))
  const total = problems.length
  return new Refusal(422, `nothing was published: the log refused ${total} of ${total} events`, {
    members: { total, events: problems.slice(0, namedEvents) },
  })
}

function inWords(outcome: PublishOutcome): object {
  if ('fault' in outcome) return { error: faultsInWords[outcome.fault] }
  const { partition, epoch, offset } = outcome.position
  return { topic: partition.topic, partition: partition.partition, epoch, position: offset }
}
