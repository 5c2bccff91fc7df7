import type { WarnLog } from '../rate-limited-log.ts'
import type { Config } from '../config/config.ts'
import { createEmbeddedLog } from '../log/embedded/embedded-log.ts'
import type { EventLog } from '../log/event-log.ts'
import { createKafkaLog } from '../log/kafka/kafka-log.ts'
import type { UnstableEnd } from '../log/kafka/stable-ends.ts'

/** A log with the counters it keeps. */
export interface OpenLog {
  readonly events: EventLog
  readonly stats: Readonly<Record<string, number>>
  /** What open transactions hold back, by partition; the embedded log has none. */
  readonly unstableEnds: () => readonly UnstableEnd[]
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
