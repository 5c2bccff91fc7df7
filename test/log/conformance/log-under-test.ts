import type { EventLog, Partition, Position } from '../../../src/log/event-log.ts'

/** A log that a suite may write to, and the data behind it. */
export interface LogUnderTest {
  readonly log: EventLog
  /** Opens the same data once more, whether or not `log` has been closed. */
  reopen(): Promise<EventLog>
  /** Drops the records of a partition before an offset, as retention does. */
  dropBefore(position: Position): Promise<void>
  /** Closes `log` and every log that `reopen` returned, where a test has not, and removes the data. */
  close(): Promise<void>
}

/** Opens a log with empty topics of its own. */
export type OpenLog = () => Promise<LogUnderTest>

/**
 * Gives the log that the tests of one suite share; each test reads from where the log ended when it began.
 */
export type SharedLog = () => EventLog

/** A name for a partition that two instances of a log have in common. */
export function nameOf(partition: Partition): string {
  return `${partition.topic}/${partition.partition}`
}
