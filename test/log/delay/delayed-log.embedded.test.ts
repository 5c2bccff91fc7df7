import { eventLogConformance } from '../conformance.ts'
import { openTemporaryLog } from '../embedded/temporary-log.ts'
import { delayed } from './open-delayed-log.ts'

eventLogConformance('The embedded log with a delay', async () => delayed(await openTemporaryLog()))
eventLogConformance('The embedded log with three partitions a topic and a delay', async () =>
  delayed(await openTemporaryLog({ partitionsPerTopic: 3 })),
)
