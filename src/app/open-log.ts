import type { Config } from '../config/config.ts'
import type { WarnLog } from '../diagnostics/rate-limited-log.ts'
import { createEmbeddedLog } from '../log/embedded/embedded-log.ts'
import type { EventLog } from '../log/event-log.ts'
import { createKafkaLog } from '../log/kafka/kafka-log.ts'
import { createTopicWriter, type TopicWriter } from '../log/kafka/produce/topic-writer.ts'
import type { LogSources } from '../metrics/log-metrics.ts'

/** A log with its statistics. */
export interface OpenLog extends LogSources {
  readonly events: EventLog
}

/** Opens the configured log: Kafka or, in development only, the embedded one. */
export function openLog({ log, topics }: Pick<Config, 'log' | 'topics'>, logger: WarnLog): OpenLog {
  if (log.kind === 'kafka') {
    const events = createKafkaLog({ ...log, topics, logger })
    return { events, stats: events.stats, unstableEnds: () => events.unstableEnds }
  }
  const events = createEmbeddedLog({ ...log, topics, logger })
  return { events, stats: events.stats, unstableEnds: () => [] }
}

/** Opens the topic of dead letters for writing; returns `undefined` if none is configured. */
export function openDeadLetterWriter({
  log,
  deadLetterTopic,
}: Pick<Config, 'log' | 'deadLetterTopic'>): TopicWriter | undefined {
  if (log.kind !== 'kafka' || deadLetterTopic === undefined) return undefined
  return createTopicWriter({ ...log, topic: deadLetterTopic })
}

/** Says in words which feeds there are. */
export function describeFeeds({ feeds }: Pick<Config, 'feeds'>): string {
  const [first] = feeds
  // A feed that is called delayed and lost its delay would show nothing of it.
  if (feeds.length === 1 && first?.delayMs === 0) return `feed ${first.name}`
  const named = feeds.map(
    ({ name, delayMs }) => `${name} (${delayMs === 0 ? 'no delay' : `${delayMs} ms later`})`,
  )
  return `${feeds.length === 1 ? 'feed' : 'feeds'} ${named.join(', ')}`
}

/** Says in words where the events come from. */
export function describeSource({ demo, log }: Config): string {
  if (demo !== undefined) return `demo feed (generated, seed ${demo.seed})`
  return log.kind === 'kafka' ? `Kafka at ${log.brokers.join(', ')}` : `embedded log ${log.path}`
}
