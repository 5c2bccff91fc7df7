import { expect, inject, onTestFinished, test } from 'vitest'
import { KafkaError, RefusedError } from '../../../src/log/kafka/kafka-error.ts'
import { kafkajsConfig } from '../../../src/log/kafka/kafkajs-access.ts'
import { connectProducer } from '../../../src/log/kafka/kafkajs-producer.ts'
import { createTopics, deleteTopics, withAdmin } from '../../support/topics.ts'
import { RevokingBroker } from './revoking-broker.ts'

const brokers = inject('kafkaBrokers')

// Cause: after a lost answer kafkajs looks the cluster up, and rejects with what that comes to, here with missing rights.
// Symptom: an event that was in the log was told as surely not published; published again, it was there twice.
// Seen: a review let a proxy take a batch, lose its answer and take the rights away.
test('missing rights that show only after a lost answer are no refusal of what was sent', async () => {
  const topics = await createTopics(brokers, { partitions: 1 })
  onTestFinished(() => deleteTopics(brokers, topics))
  const broker = await RevokingBroker.start(Number(brokers.split(':')[1]), topics.trades)
  const config = {
    ...kafkajsConfig({ brokers: [brokers], clientId: 'test' }, { warn: () => undefined }),
    socketFactory: ({ onConnect }: { onConnect: () => void }) => broker.connect(onConnect),
  }
  const producer = await connectProducer([brokers], config)
  onTestFinished(() => producer.close())
  const batch = { topic: topics.trades, partition: 0, messages: [{ key: 'A', value: Buffer.from('x') }] }
  const [{ reason: error }] = (await Promise.allSettled([producer.send(batch)])) as [PromiseRejectedResult]
  expect(error).toBeInstanceOf(KafkaError)
  expect(error).not.toBeInstanceOf(RefusedError)
  const ends = await withAdmin(brokers, admin => admin.fetchTopicOffsets(topics.trades))
  expect(ends).toMatchObject([{ offset: '1' }])
  // Nothing is lost for another attempt: it is refused for what it is.
  await expect(producer.send(batch)).rejects.toBeInstanceOf(RefusedError)
})
