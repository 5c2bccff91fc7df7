import { randomUUID } from 'node:crypto'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { patchKafkajs } from '../../src/log/kafka/connection/kafkajs-patches.ts'
import { streams, type Topics } from '../../src/log/topics.ts'
import { waitUntil } from './wait-until.ts'

const timeoutMs = 20_000

export interface TopicOptions {
  /** 4 if left out. */
  readonly partitions?: number
  /** 1 if left out. */
  readonly replicas?: number
  /** Kafka's topic settings, such as `cleanup.policy`. */
  readonly settings?: Readonly<Record<string, string>>
}

/** The variables of a gateway, or of a command, that uses these topics of a Kafka. */
export function kafkaVariables(brokers: string, topics: Topics): Record<string, string> {
  return {
    TICKER_KAFKA_BROKERS: brokers,
    TICKER_TOPIC_TRADES: topics.trades,
    TICKER_TOPIC_QUOTES: topics.quotes,
    TICKER_TOPIC_BARS: topics.bars,
    TICKER_TOPIC_STATUSES: topics.statuses,
    TICKER_TOPIC_NEWS: topics.news,
  }
}

/**
 * Makes the five topics under names that nobody else has, such as `test-1f6b2c9e-trades`. `deleteTopics` ends
 * them.
 */
export async function createTopics(
  brokers: string,
  options: TopicOptions & { readonly prefix?: string } = {},
): Promise<Topics> {
  const prefix = `${options.prefix ?? 'test'}-${randomUUID().slice(0, 8)}`
  const topics: Topics = {
    trades: `${prefix}-trades`,
    quotes: `${prefix}-quotes`,
    bars: `${prefix}-bars`,
    statuses: `${prefix}-statuses`,
    news: `${prefix}-news`,
  }
  await ensureTopics(brokers, namesOf(topics), options)
  return topics
}

/**
 * Makes those of the topics that do not exist, and resolves when every partition of all of them has a leader.
 */
export async function ensureTopics(
  brokers: string,
  names: readonly string[],
  options: TopicOptions = {},
): Promise<void> {
  const { partitions = 4, replicas = 1, settings = {} } = options
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }))
  await withAdmin(brokers, async admin => {
    const existing = new Set(await admin.listTopics())
    const topics = names
      .filter(name => !existing.has(name))
      .map(topic => ({ topic, numPartitions: partitions, replicationFactor: replicas, configEntries }))
    await admin.createTopics({ topics, waitForLeaders: false })
    await waitUntil(() => haveLeaders(admin, names), `leaders of ${names.join(', ')}`, timeoutMs)
  })
}

/** Deletes the five topics with their records. */
export async function deleteTopics(brokers: string, topics: Topics): Promise<void> {
  await withAdmin(brokers, admin => admin.deleteTopics({ topics: namesOf(topics) }))
}

/**
 * Deletes topics by their names, and resolves when the broker that is asked lists none of them: it hears of
 * that a moment after the controller. Until then `ensureTopics` would take one that is to be recreated for
 * one that exists.
 */
export async function removeTopics(brokers: string, names: readonly string[]): Promise<void> {
  await withAdmin(brokers, async admin => {
    await admin.deleteTopics({ topics: [...names] })
    const areGone = async (): Promise<boolean> =>
      !(await admin.listTopics()).some(name => names.includes(name))
    await waitUntil(areGone, `the deletion of ${names.join(', ')}`, timeoutMs)
  })
}

/** The names of the five topics. */
export function namesOf(topics: Topics): string[] {
  return streams.map(stream => topics[stream])
}

/**
 * Gives `work` a connected kafkajs admin client, for what only one test needs, and disconnects it afterwards.
 */
export async function withAdmin<T>(brokers: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  patchKafkajs()
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

/**
 * A broker hears of a topic a moment after the controller has created it, and says until then that there is
 * none, which kafkajs' own `waitForLeaders` takes for a failure.
 */
async function haveLeaders(admin: Admin, names: readonly string[]): Promise<boolean> {
  try {
    const { topics } = await admin.fetchTopicMetadata()
    const led = topics.filter(({ partitions }) => partitions.every(({ leader }) => leader >= 0))
    return names.every(name => led.some(topic => topic.name === name))
  } catch (error) {
    // kafkajs' error classes cannot be imported by name from an ES module.
    if (error instanceof Error && 'retriable' in error && error.retriable === true) return false
    throw error
  }
}
