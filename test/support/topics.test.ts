import { expect, inject, onTestFinished, test } from 'vitest'
import { createTopics, deleteTopics, ensureTopics, namesOf, removeTopics, withAdmin } from './topics.ts'

const brokers = inject('kafkaBrokers')

test('makes topics that nobody else has, and deletes them', async () => {
  const topics = await createTopics(brokers, { partitions: 3, settings: { 'cleanup.policy': 'compact' } })

  const described = await withAdmin(brokers, admin => admin.fetchTopicMetadata({ topics: namesOf(topics) }))
  expect(described.topics.map(topic => topic.partitions.length)).toEqual([3, 3, 3, 3, 3])
  expect(await createTopics(brokers)).not.toEqual(topics)

  await deleteTopics(brokers, topics)
  await expect.poll(() => withAdmin(brokers, admin => admin.listTopics())).not.toContain(topics.trades)
})

test('leaves a topic that exists as it is', async () => {
  const topics = await createTopics(brokers, { partitions: 2 })

  await ensureTopics(brokers, namesOf(topics), { partitions: 4 })

  const described = await withAdmin(brokers, admin => admin.fetchTopicMetadata({ topics: [topics.news] }))
  expect(described.topics[0]!.partitions).toHaveLength(2)
})

// Cause: a deletion was over when the controller knew of it; the broker still listed the topic, which was not
// recreated.
// Symptom: `kafka-log.answers.test.ts` waited 20 s for leaders of no topic, or 10 s for a range of one, and
// failed.
// Seen: under a load of 12 to 14, once each; then in 3 of 60 topics that were deleted and recreated.
test('a topic that was removed can be recreated at once', async () => {
  // The broker is busy with the new partitions while the controller deletes them.
  const topics = await createTopics(brokers, { partitions: 40 })
  onTestFinished(() => deleteTopics(brokers, topics))
  await removeTopics(brokers, namesOf(topics))
  await ensureTopics(brokers, namesOf(topics), { partitions: 1 })

  const described = await withAdmin(brokers, admin => admin.fetchTopicMetadata({ topics: namesOf(topics) }))
  expect(described.topics.map(topic => topic.partitions.length)).toEqual([1, 1, 1, 1, 1])
})
