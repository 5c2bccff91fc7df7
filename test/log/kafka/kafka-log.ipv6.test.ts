import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect, inject, test } from 'vitest'
import { appendAll } from '../conformance/reading.ts'
import { newSymbol, sampleTrades } from '../conformance/sample-event.ts'
import { openKafkaLog } from './open-kafka-log.ts'

/**
 * Cause: kafkajs takes the first colon of a broker for the one before its port.
 * Symptom: with brokers named by IPv6 addresses a gateway read events, and could publish none.
 * Seen: by going through the configuration for what is accepted and cannot work.
 */
test('a broker that is named by its IPv6 address is written to as well', async () => {
  const brokers = inject('kafkaBrokers')
  const [host = '', port] = brokers.split(',', 1)[0]?.split(':') ?? []
  const proxy = createServer(client => {
    const broker = connect({ host, port: Number(port) })
    client.on('error', () => broker.destroy()).pipe(broker)
    broker.on('error', () => client.destroy()).pipe(client)
  })
  proxy.listen(0, '::1')
  await once(proxy, 'listening')
  const seed = `[::1]:${(proxy.address() as AddressInfo).port}`
  const opened = await openKafkaLog(brokers, { brokers: [seed], create: { partitions: 1 } })
  try {
    expect(await appendAll(opened.log, sampleTrades(newSymbol(), 3))).toHaveLength(3)
  } finally {
    await opened.close()
    proxy.close()
  }
})
