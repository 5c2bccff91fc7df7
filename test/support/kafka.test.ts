import { createServer } from 'node:net'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { expect, test } from 'vitest'
import { type KafkaBroker, startKafka } from './kafka.ts'
import { freePort } from './port.ts'
import { ensureTopics, withAdmin } from './topics.ts'

test('keeps its port and records through a kill and a restart, and leaves nothing behind', async () => {
  const kafka = await startKafka()
  try {
    await ensureTopics(kafka.brokers, ['kept'], { partitions: 1 })
    await produce(kafka, 'before the kill')
    await kafka.kill()
    await kafka.restart()
    await produce(kafka, 'before the restart')
    await kafka.restart()

    expect(await endOffset(kafka)).toBe('2')
  } finally {
    await kafka.stop()
  }
  expect(existsSync(dirname(kafka.log))).toBe(false)
})

test('says what listens on its port already', async () => {
  const port = await freePort()
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  try {
    await expect(startKafka({ port })).rejects.toThrow(`127.0.0.1:${port}: something else listens there`)
  } finally {
    server.close()
  }
})

test('shows the end of the log of a broker that does not start', async () => {
  await expect(startKafka({ properties: { 'log.segment.bytes': 'many' } })).rejects.toThrow(
    /could not be formatted.*Invalid value many for configuration log.segment.bytes/s,
  )
})

async function produce(kafka: KafkaBroker, value: string): Promise<void> {
  const client = new Kafka({ brokers: [kafka.brokers], logLevel: logLevel.NOTHING })
  const producer = client.producer({ idempotent: true })
  await producer.connect()
  await producer.send({ topic: 'kept', acks: -1, messages: [{ value }] })
  await producer.disconnect()
}

async function endOffset(kafka: KafkaBroker): Promise<string | undefined> {
  const [offsets] = await withAdmin(kafka.brokers, admin => admin.fetchTopicOffsets('kept'))
  return offsets?.high
}
