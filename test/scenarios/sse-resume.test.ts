import { expect, inject, onTestFinished, test } from 'vitest'
import { readTruth } from '../long/kafka-faults/truth.ts'
import { TradeProducer } from '../long/kafka-faults/trade-producer.ts'
import { mintTestToken } from '../support/gateway.ts'
import { Random } from '../support/random.ts'
import { createTopics, deleteTopics, kafkaVariables } from '../support/topics.ts'
import { waitUntil } from '../support/wait-until.ts'
import { RestartableGateway } from './resume-kills/restartable-gateway.ts'
import { RoamingClient } from './resume-kills/roaming-client.ts'
import { flawless, judge } from './resume-kills/verdict.ts'

const symbols = Array.from({ length: 12 }, (_, index) => `SYM${index}`)
const ratePerS = 300
const reconnects = 20
const subscribers = 10

test('20 reconnects with Last-Event-ID under load lose and repeat nothing, though a gateway is killed', async () => {
  const brokers = inject('kafkaBrokers')
  const topics = await createTopics(brokers)
  onTestFinished(() => deleteTopics(brokers, topics))
  const env = { ...kafkaVariables(brokers, topics), TICKER_HEARTBEAT_MS: '200' }
  const gateways = [new RestartableGateway(env), new RestartableGateway(env)] as const
  for (const gateway of gateways) onTestFinished(() => gateway.stop())
  await Promise.all(gateways.map(gateway => gateway.start()))
  const clients = await Promise.all(
    Array.from({ length: subscribers }, async (_, index) => {
      const random = new Random(index)
      const list = symbols.filter(() => random.chance(0.3))
      const options = {
        symbols: index % 2 === 0 || list.length === 0 ? ['*'] : list,
        token: await mintTestToken({ subject: `user ${index}` }),
        form: 'sse',
        gateways,
        random,
        longPauseChance: 0.05,
      }
      const client = new RoamingClient(options, gateways[index % 2]!)
      await client.start()
      onTestFinished(() => client.stop())
      return client
    }),
  )
  const producer = await TradeProducer.start({ brokers, topic: topics.trades, symbols, ratePerS })

  for (let round = 1; round <= reconnects; round++) {
    if (round === 10) await gateways[0].kill('SIGKILL')
    else for (const client of clients) client.move()
    await waitUntil(() => clients.every(({ isLive }) => isLive), `reconnect ${round}`)
    if (round === 15) await gateways[0].start()
  }

  const produced = await producer.stop()
  const truth = await readTruth(brokers, topics.trades)
  const verdict = () =>
    judge(
      clients.map(({ account }) => account),
      topics.trades,
      truth,
    )
  await waitUntil(() => verdict().uncovered === 0, 'the last events', 20_000).catch(() => undefined)
  expect(verdict()).toEqual(flawless)
  expect(produced).toBeGreaterThan(0)
  for (const { client } of clients) expect(client.resumes).toBeGreaterThanOrEqual(reconnects - 1)
}, 180_000)
