import type { WarnLog } from '../diagnostics/rate-limited-log.ts'
import type { Config } from '../config/config.ts'
import { createEmbeddedLog } from '../log/embedded/embedded-log.ts'
import type { EventLog } from '../log/event-log.ts'
import { createKafkaLog } from '../log/kafka/kafka-log.ts'
import { createTopicWriter, type TopicWriter } from '../log/kafka/produce/topic-writer.ts'
import type { LogSources } from '../metrics/log-metrics.ts'

/** A log with what it says of itself. */
export interface OpenLog extends LogSources {
  readonly events: EventLog
}

/** Opens the log that the configuration names: Kafka or, in development only, the embedded one. */
export function openLog({ log, topics }: Pick<Config, 'log' | 'topics'>, logger: WarnLog): OpenLog {
  if (log.kind === 'kafka') {
    const events = createKafkaLog({ ...log, topics, logger })
    return { events, stats: events.stats, unstableEnds: () => events.unstableEnds }
  }
  const events = createEmbeddedLog({ ...log, topics, logger })
  return { events, stats: events.stats, unstableEnds: () => [] }
}

/** The way to the topic of dead letters; `undefined` where none is configured. */
export function openDeadLetterWriter({
  log,
  deadLetterTopic,
}: Pick<Config, 'log' | 'deadLetterTopic'>): TopicWriter | undefined {
  if (log.kind !== 'kafka' || deadLetterTopic === undefined) return undefined
  return createTopicWriter({ ...log, topic: deadLetterTopic })
}
