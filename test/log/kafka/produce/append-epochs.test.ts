import { expect, test } from 'vitest'
import { AppendEpochs } from '../../../../src/log/kafka/produce/append-epochs.ts'

const partition = { topic: 'trades', partition: 0 }

// Cause: an answer with an offset that was returned before waited for the cluster, without a limit.
// Symptom: events that lay in the log were answered after minutes, and an end of the gateway waited for them,
// too.
// Seen: a review let the look-up hang, as it does while brokers swallow everything.
test('an answer waits for a look-up only for a while', async () => {
  const topic = { topic: 'trades', epoch: 'e', errorCode: 0, partitions: [] }
  const cluster = { topic: () => topic, refresh: () => new Promise<void>(() => {}) }
  const epochs = new AppendEpochs(cluster, 1)
  await epochs.positionOf(partition, 5)
  expect(await epochs.positionOf(partition, 3)).toEqual({ partition, epoch: 'e', offset: 3 })
})
