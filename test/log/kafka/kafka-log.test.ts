import { inject } from 'vitest'
import { eventLogConformance } from '../conformance.ts'
import { openKafkaLog } from './open-kafka-log.ts'

eventLogConformance('the Kafka log', () => openKafkaLog(inject('kafkaBrokers'), { questionTimeoutMs: 5000 }))
