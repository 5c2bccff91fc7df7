import { randomUUID } from 'node:crypto'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { streams, type Topics } from '../../src/log/topics.ts'

export interface TopicsOptions {
  /** What the names begin with; `test` if left out. */
  readonly prefix?: string
  /** Of every topic; 4 if left out. */
  readonly partitions?: number
  /** Topic settings, such as `cleanup.policy`. */
  readonly settings?: Readonly<Record<string, string>>
}

/** Makes the five topics under names that nobody else has, such as `test-1f6b2c9e-trades`. `deleteTopics` ends them. */
export async function createTopics(brokers: string, options: TopicsOptions = {}): Promise<Topics> {
  const prefix = `${options.prefix ?? 'test'}-${randomUUID().slice(0, 8)}`
  const topics: Topics = {
    trades: `${prefix}-trades`,
    quotes: `${prefix}-quotes`,
    bars: `${prefix}-bars`,
    statuses: `${prefix}-statuses`,
    news: `${prefix}-news`,
  }
  await ensureTopics(brokers, topics, options)
  return topics
}

/** Makes those of the topics that do not exist, and resolves when every partition has a leader. */
export async function ensureTopics(
  brokers: string,
  topics: Topics,
  { partitions = 4, settings = {} }: Omit<TopicsOptions, 'prefix'> = {},
): Promise<void> {
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
  await withAdmin(brokers, async admin => {
    const existing = new Set(await admin.listTopics())
    const missing = streams.map(stream => topics[stream]).filter(topic => !existing.has(topic))
    await admin.createTopics({
      topics: missing.map(topic => ({
        topic,
        numPartitions: partitions,
        replicationFactor: 1,
        configEntries,
      })),
      waitForLeaders: true,
    })
  })
}

/** Deletes the topics with their records. */
export async function deleteTopics(brokers: string, topics: Topics): Promise<void> {
  await withAdmin(brokers, admin => admin.deleteTopics({ topics: streams.map(stream => topics[stream]) }))
}

/** Gives `work` a connected kafkajs admin client, for what only one test needs, and disconnects it afterwards. */
export async function withAdmin<T>(brokers: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Kafka({
    clientId: 'test',
    brokers: brokers.split(','),
    logLevel: logLevel.NOTHING,
  }).admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}
