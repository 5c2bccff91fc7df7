import { inject } from 'vitest'
import { eventLogConformance } from '../conformance.ts'
import { openKafkaLog } from '../kafka/open-kafka-log.ts'
import { delayed } from './open-delayed-log.ts'

eventLogConformance('The Kafka log with a delay', async () =>
  delayed(await openKafkaLog(inject('kafkaBrokers'), { questionTimeoutMs: 5000 })),
)
