import { expect, inject, test } from 'vitest'
import { createTopics, deleteTopics, ensureTopics, namesOf, withAdmin } from './topics.ts'

const brokers = inject('kafkaBrokers')

test('makes topics that nobody else has, and deletes them', async () => {
  const topics = await createTopics(brokers, { partitions: 3, settings: { 'cleanup.policy': 'compact' } })

  const described = await withAdmin(brokers, admin => admin.fetchTopicMetadata({ topics: namesOf(topics) }))
  expect(described.topics.map(topic => topic.partitions.length)).toEqual([3, 3, 3, 3, 3])
  expect(await createTopics(brokers)).not.toEqual(topics)

  await deleteTopics(brokers, topics)
  await expect
    .poll(() => withAdmin(brokers, admin => admin.listTopics()), { timeout: 10_000 })
    .not.toContain(topics.trades)
})

test('leaves a topic that exists as it is', async () => {
  const topics = await createTopics(brokers, { partitions: 2 })

  await ensureTopics(brokers, namesOf(topics), { partitions: 4 })

  const described = await withAdmin(brokers, admin => admin.fetchTopicMetadata({ topics: [topics.news] }))
  expect(described.topics[0]!.partitions).toHaveLength(2)
})
