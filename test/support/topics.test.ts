import { expect, inject, test } from 'vitest'
import { createTopics, deleteTopics, ensureTopics, withAdmin } from './topics.ts'

const brokers = inject('kafkaBrokers')

test('makes topics that nobody else has, and deletes them', async () => {
  const topics = await createTopics(brokers, { partitions: 3, settings: { 'cleanup.policy': 'compact' } })

  const described = await withAdmin(brokers, admin =>
    admin.fetchTopicMetadata({ topics: Object.values(topics) }),
  )
  expect(described.topics.map(topic => topic.partitions.length)).toEqual([3, 3, 3, 3, 3])
  expect(await createTopics(brokers)).not.toEqual(topics)

  await deleteTopics(brokers, topics)
  const names = await withAdmin(brokers, admin => admin.listTopics())
  expect(names).not.toContain(topics.trades)
})

test('leaves a topic that exists as it is', async () => {
  const topics = await createTopics(brokers, { partitions: 2 })

  await ensureTopics(brokers, topics, { partitions: 4 })

  const described = await withAdmin(brokers, admin => admin.fetchTopicMetadata({ topics: [topics.news] }))
  expect(described.topics[0]!.partitions).toHaveLength(2)
})
