import type { Feed } from '../fanout/feed.ts'
import { LogHistory, type LogHistoryOptions } from './log-history.ts'
import { SharedHistory } from './shared-history.ts'

/** Some fifty thousand events, of which sessions that resume together read most at about the same time. */
const keptBytes = 33_554_432

/** The log as sessions read it again, which share what they read of it. */
export function openHistory(options: LogHistoryOptions): SharedHistory {
  return new SharedHistory({ history: new LogHistory(options), maxBytes: keptBytes })
}

/** What was read of a partition is not good any more when it is made again or cut back. */
export function forgetWithPartitions(history: SharedHistory, feed: Feed): void {
  const { onPartition } = feed
  feed.onPartition = position => {
    history.forget(position.partition)
    onPartition(position)
  }
}
