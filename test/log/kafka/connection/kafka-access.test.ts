import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createKafkaLog } from '../../../../src/log/kafka/kafka-log.ts'
import { createTopicWriter } from '../../../../src/log/kafka/produce/topic-writer.ts'
import type { Topics } from '../../../../src/log/topics.ts'
import { createTopics } from '../../../support/topics.ts'
import { newSymbol, sampleTrade } from '../../conformance/sample-event.ts'
import { TailReading } from '../reading.ts'
import { addScramUser, allow, type SecuredKafka, sessionMs, startSecuredKafka } from './secured-kafka.ts'
import {
  appendTimeoutMs,
  openSecuredLog,
  passwordOf,
  passwords,
  securedAccess,
  tokensOf,
} from './secured-log.ts'
import { startTokenEndpoint, unsecuredToken } from './token-endpoint.ts'

let kafka: SecuredKafka
let topics: Topics

beforeAll(async () => {
  kafka = await startSecuredKafka(passwords)
  const { brokers } = kafka.broker
  topics = await createTopics(brokers, { partitions: 1, prefix: 'secured' })
  // The first producer of a broker waits for its coordinator.
  const plain = createKafkaLog({
    brokers: [brokers],
    clientId: 'test',
    topics,
    logger: { warn: () => undefined },
  })
  await plain.append([sampleTrade(newSymbol(), 1)])
  await plain.close()
  await addScramUser(brokers, 'gateway', passwords.gateway)
  for (const user of ['gateway', 'CN=gateway']) {
    await allow(brokers, { user, operation: 'READ', prefix: 'secured' })
    await allow(brokers, { user, operation: 'WRITE', prefix: 'secured' })
  }
  await allow(brokers, { user: 'reader', operation: 'READ', prefix: 'secured' })
  await allow(brokers, { user: 'publisher', operation: 'WRITE', prefix: 'secured' })
  await allow(brokers, { user: 'onlooker', operation: 'DESCRIBE', prefix: 'secured' })
})

afterAll(() => kafka.stop(), 60_000)

const open = (variables: Record<string, string>) => openSecuredLog({ kafka, topics, variables })

/** A file of its own beside the certificates, which go with the broker. */
async function file(name: string, text: string): Promise<string> {
  const path = join(dirname(kafka.client.certificateFile), name)
  await writeFile(path, text)
  return path
}

const clientFiles = () => ({
  TICKER_KAFKA_BROKERS: kafka.mutual,
  TICKER_KAFKA_TLS_CERT_FILE: kafka.client.certificateFile,
  TICKER_KAFKA_TLS_KEY_FILE: kafka.client.keyFile,
})

/** What one reading sees of a symbol's trades. */
const tradesOf = (reading: TailReading, symbol: string) =>
  reading
    .of(topics.trades)
    .flatMap(({ records }) => records.map(({ value }): unknown => JSON.parse(String(value))))
    .filter(event => Object(event).S === symbol)

describe('reads and appends', () => {
  const ways: Record<string, () => Promise<Record<string, string>>> = {
    'with PLAIN': async () => passwordOf('gateway'),
    'with SCRAM-SHA-256': async () => passwordOf('gateway', 'SCRAM-SHA-256'),
    'with SCRAM-SHA-512': async () => ({
      TICKER_KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512',
      TICKER_KAFKA_SASL_USERNAME: 'gateway',
      TICKER_KAFKA_SASL_PASSWORD_FILE: await file('password', `${passwords.gateway}\n`),
    }),
    'with OAUTHBEARER': async () => ({
      TICKER_KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
      TICKER_KAFKA_OAUTH_TOKEN_FILE: await file('token', unsecuredToken('gateway', 600)),
    }),
    'with a certificate': async () => clientFiles(),
    'under another server name': async () => ({
      ...clientFiles(),
      TICKER_KAFKA_TLS_SERVER_NAME: 'localhost',
    }),
  }
  test.for(Object.entries(ways))('%s', async ([, variables]) => {
    const { log, messages } = open(await variables())
    const symbol = newSymbol()
    const [result] = await log.append([sampleTrade(symbol, 1)])
    expect(result).toHaveProperty('position')
    const reading = new TailReading(log)
    await reading.until(() => tradesOf(reading, symbol).length === 1)
    await reading.end()
    expect(messages).toEqual([])
  })
})

describe('says what to check, once, on one line, without the secret', () => {
  const faults: Record<string, readonly [() => Promise<Record<string, string>>, RegExp]> = {
    'a wrong password with PLAIN': [
      async () => ({ ...passwordOf('gateway'), TICKER_KAFKA_SASL_PASSWORD: 'wrong-password-of' }),
      /cannot connect: SASL PLAIN .*check TICKER_KAFKA_SASL_USERNAME, TICKER_KAFKA_SASL_PASSWORD/,
    ],
    'a wrong password with SCRAM': [
      async () => ({
        ...passwordOf('gateway', 'SCRAM-SHA-512'),
        TICKER_KAFKA_SASL_PASSWORD: 'wrong-password-of',
      }),
      /cannot connect: SASL SCRAM .*check TICKER_KAFKA_SASL_USERNAME, TICKER_KAFKA_SASL_PASSWORD/,
    ],
    'an expired token': [
      async () => ({
        TICKER_KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
        TICKER_KAFKA_OAUTH_TOKEN_FILE: await file('expired', unsecuredToken('password-of', -30)),
      }),
      /cannot connect: SASL OAUTHBEARER: the broker refused the access token \(invalid_token\).*check its expiry/,
    ],
    'a token endpoint that refuses': [
      async () => {
        const endpoint = await startTokenEndpoint(() => ({ status: 401, body: { error: 'invalid_client' } }))
        onTestFinished(() => endpoint.stop())
        return tokensOf(endpoint)
      },
      /cannot connect: token endpoint .* 401 invalid_client; check TICKER_KAFKA_OAUTH_CLIENT_ID/,
    ],
    'an unknown authority': [
      async () => ({
        ...passwordOf('gateway'),
        TICKER_KAFKA_TLS_CA_FILE: kafka.stranger.certificateFile,
      }),
      /cannot connect: .*check TICKER_KAFKA_TLS_CA_FILE/,
    ],
    'a missing client certificate': [
      async () => ({ TICKER_KAFKA_BROKERS: kafka.mutual }),
      /wants a certificate it knows: check TICKER_KAFKA_TLS_CERT_FILE/,
    ],
    'a certificate of an authority that the broker does not know': [
      async () => {
        const { certificateFile, keyFile } = await kafka.stranger.sign('gateway-unknown')
        return {
          TICKER_KAFKA_BROKERS: kafka.mutual,
          TICKER_KAFKA_TLS_CERT_FILE: certificateFile,
          TICKER_KAFKA_TLS_KEY_FILE: keyFile,
        }
      },
      /wants a certificate it knows: check TICKER_KAFKA_TLS_CERT_FILE/,
    ],
    'another server name': [
      async () => ({ ...passwordOf('gateway'), TICKER_KAFKA_TLS_SERVER_NAME: 'kafka.example' }),
      /certificate is for another name: check TICKER_KAFKA_TLS_SERVER_NAME/,
    ],
    'a user without ACLs': [
      async () => passwordOf('nobody'),
      /waiting for a topic: Kafka answered TOPIC_AUTHORIZATION_FAILED; the user needs the ACLs Read and Describe/,
    ],
    'TLS to a plain port': [
      async () => ({ TICKER_KAFKA_BROKERS: kafka.broker.brokers }),
      /check TICKER_KAFKA_BROKERS and TICKER_KAFKA_TLS/,
    ],
    'no SASL where the broker wants it': [async () => ({}), /brokers also do so to a client that lacks TLS/],
  }
  test.for(Object.entries(faults))('%s', async ([, [variables, expected]]) => {
    const { log, messages } = open(await variables())
    const ending = new AbortController()
    const asking = log.partitions(ending.signal).catch(() => undefined)
    await expect.poll(() => messages.filter(message => expected.test(message))).not.toEqual([])
    const why = messages.find(message => expected.test(message))?.replace('waiting for a topic: ', '') ?? ''
    // As it is in the log, and once, whatever it keeps from being read.
    expect(log.trouble?.split(why)).toHaveLength(2)
    ending.abort()
    await asking
    for (const message of messages) {
      expect(message).not.toMatch(/password-of|eyJ|\n/)
    }
  })
})

test('renews its authentication without interruption, and tokens before they expire', async () => {
  const endpoint = await startTokenEndpoint(() => ({
    body: { access_token: unsecuredToken('gateway', 6), expires_in: 6 },
  }))
  onTestFinished(() => endpoint.stop())
  const byPassword = open(passwordOf('gateway'))
  const byToken = open(tokensOf(endpoint))
  const idle = open(passwordOf('gateway'))
  await idle.log.append([sampleTrade(newSymbol(), 1)])
  const symbol = newSymbol()
  const readings = [byPassword, byToken].map(({ log }) => new TailReading(log))
  const startedMs = performance.now()
  let count = 0
  while (performance.now() - startedMs < 3 * sessionMs) {
    for (const { log } of [byPassword, byToken]) {
      expect((await log.append([sampleTrade(symbol, count)]))[0]).toHaveProperty('position')
      count += 1
    }
    for (const reading of readings) await reading.until(() => tradesOf(reading, symbol).length >= count)
  }
  for (const reading of readings) {
    expect(tradesOf(reading, symbol)).toEqual(
      Array.from({ length: count }, (_, number) => sampleTrade(symbol, number)),
    )
    await reading.end()
  }
  // Its session ended long ago.
  expect((await idle.log.append([sampleTrade(newSymbol(), 2)]))[0]).toHaveProperty('position')
  expect([byPassword, byToken, idle].flatMap(({ messages }) => messages)).toEqual([])
  expect([byPassword, byToken].map(({ log }) => log.stats.connectionFailures)).toEqual([0, 0])
  expect(endpoint.questions.length).toBeGreaterThan(1)
})

describe('the least ACLs', () => {
  test('Read, which implies Describe, is enough to read', async () => {
    const symbol = newSymbol()
    await open(passwordOf('gateway')).log.append([sampleTrade(symbol, 1)])
    const { log, messages } = open(passwordOf('reader'))
    const reading = new TailReading(log)
    await reading.until(() => tradesOf(reading, symbol).length === 1)
    await reading.end()
    const [beginning] = await log.partitions(AbortSignal.timeout(5000))
    expect(await log.offsetAt(beginning!.partition, 0)).toBe(0)
    expect(messages).toEqual([])
    const startedAt = performance.now()
    const [result] = await log.append([sampleTrade(symbol, 2)])
    expect(result).toMatchObject({
      error: {
        name: 'RefusedError',
        reason: 'forbidden',
        message: expect.stringMatching(/needs the ACLs? Write/),
      },
    })
    expect(performance.now() - startedAt).toBeLessThan(appendTimeoutMs / 2)
  })

  test.for<[string, Record<string, string>]>([
    ['no right on the topic', passwordOf('nobody')],
    ['Describe alone', passwordOf('onlooker')],
    ['a wrong password', { ...passwordOf('gateway'), TICKER_KAFKA_SASL_PASSWORD: 'wrong-password-of' }],
  ])('an append with %s is refused at once', async ([, variables]) => {
    const { log } = open(variables)
    const startedAt = performance.now()
    const [result] = await log.append([sampleTrade(newSymbol(), 1)])
    expect(result).toMatchObject({ error: { name: 'RefusedError', reason: 'forbidden' } })
    expect(performance.now() - startedAt).toBeLessThan(appendTimeoutMs / 2)
  })

  test('Write, which implies Describe and IdempotentWrite, is enough to publish', async () => {
    const { log, messages } = open(passwordOf('publisher'))
    expect((await log.append([sampleTrade(newSymbol(), 1)]))[0]).toHaveProperty('position')
    expect(messages).toEqual([])
  })

  test('Write on its topic is enough for dead letters, and missing rights fail at once', async () => {
    const letter = { key: 'k', value: Buffer.from('v'), headers: [] }
    const write = async (user: 'publisher' | 'reader') => {
      const access = securedAccess({ kafka, variables: passwordOf(user) })
      const writer = createTopicWriter({ ...access, topic: topics.news })
      onTestFinished(() => writer.close())
      return await writer.write([letter])
    }
    expect(await write('publisher')).toEqual([{ position: expect.any(Object) }])
    expect(await write('reader')).toMatchObject([{ error: { name: 'RefusedError', reason: 'forbidden' } }])
  })

  test('Describe alone is not enough to read, and the log says so', async () => {
    const { log, messages } = open(passwordOf('onlooker'))
    const reading = new TailReading(log)
    const waiting = reading.until(() => false).catch(() => undefined)
    await expect
      .poll(() => messages)
      .toContain(
        'cannot read: Kafka answered TOPIC_AUTHORIZATION_FAILED; the user needs the ACLs Read and Describe on it',
      )
    await log.close()
    await waiting
  })
})
