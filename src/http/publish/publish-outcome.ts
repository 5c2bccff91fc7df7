import type { MarketEvent } from '../../event/event.ts'
import type { AppendFailure, Position } from '../../event/log-record.ts'
import { type Answer, Refusal } from '../answer.ts'
import type { Warning } from './event-check.ts'

/** The outcome of one event. */
export type PublishOutcome = { readonly position: Position } | { readonly fault: AppendFailure }

/**
 * Appends events to the log, for each key in the order of the calls. Resolves with the outcomes in the order
 * of the events; never rejects. The log decides how appends are batched.
 */
export type PublishEvents = (events: readonly MarketEvent[]) => Promise<readonly PublishOutcome[]>

/** A peer learns no more of a fault of the log. */
const faultMessages: Readonly<Record<AppendFailure, string>> = {
  unsent: 'not published: the log did not take it; publish it again',
  unconfirmed:
    'not confirmed: the log did not answer, and may have it; published again, it may be there twice',
  forbidden:
    'not published: the gateway may not write there; its operator has to allow it ' +
    '(Kafka: valid credentials, and the ACL Write on the topic)',
  oversize:
    'not published: longer than the log takes (Kafka: max.message.bytes of the topic); publish it shorter',
  rejected: 'not published: it breaks a rule of the log; published again as it is, it would be refused again',
}

/** The faults that the sender of an event can mend. */
const senderFaults: ReadonlySet<AppendFailure> = new Set(['oversize', 'rejected'])

const retryAfterS = '5'
/** Events that the refusal of a whole request names at most. */
const maxNamedEvents = 20

/** Returns the response with the position or the fault of each event: 200 unless none was published. */
export function answerOf(outcomes: readonly PublishOutcome[], warnings: readonly Warning[]): Answer {
  const events = outcomes.map(describe)
  const faults = outcomes.flatMap(outcome => ('fault' in outcome ? [outcome.fault] : []))
  const failed = faults.length
  const members = { events, failed, ...(warnings.length === 0 ? {} : { warnings }) }
  if (failed < outcomes.length) return { status: 200, headers: {}, body: members }
  if (faults.every(fault => senderFaults.has(fault))) return refuseAll(faults)
  return new Refusal(503, 'no event was confirmed as published; see "events"', {
    headers: { 'retry-after': retryAfterS },
    members,
  })
}

function refuseAll(faults: readonly AppendFailure[]): Refusal {
  const problems = faults.map((fault, index) => ({ index, error: faultMessages[fault] }))
  const total = problems.length
  return new Refusal(422, `nothing was published: the log refused ${total} of ${total} events`, {
    members: { total, events: problems.slice(0, maxNamedEvents) },
  })
}

function describe(outcome: PublishOutcome): object {
  if ('fault' in outcome) return { error: faultMessages[outcome.fault] }
  const { partition, epoch, offset } = outcome.position
  return { topic: partition.topic, partition: partition.partition, epoch, position: offset }
}
