import { eventLogConformance } from '../conformance.ts'
import { openTemporaryLog } from './temporary-log.ts'

eventLogConformance('The embedded log', () => openTemporaryLog({ partitionsPerTopic: 1 }))
eventLogConformance('The embedded log with three partitions a topic', () =>
  openTemporaryLog({ partitionsPerTopic: 3 }),
)
