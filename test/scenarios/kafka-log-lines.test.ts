import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../../src/config/config-reader.ts'
import { startGateway } from '../../src/app/gateway.ts'
import type { Topics } from '../../src/log/topics.ts'
import { Command } from '../support/command.ts'
import { freePort } from '../support/port.ts'
import { createTopics, deleteTopics, kafkaVariables } from '../support/topics.ts'

// Cause: kafkajs logged what it also rejects with, and its idle request queues set timers of less than
// nothing.
// Symptom: every failed connection was told twice, and Node said TimeoutNegativeWarning in between.
// Seen: from outside, by the gateway, publish and npm run kafka.

const brokers = inject('kafkaBrokers')
let folder: string
let topics: Topics

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticker-lines-'))
  await writeFile(join(folder, 'one.jsonl'), '{"T":"t","S":"AAPL","p":1,"s":1,"t":"2026-01-02T14:30:00Z"}\n')
  topics = await createTopics(brokers)
})
afterAll(async () => {
  await rm(folder, { recursive: true })
  await deleteTopics(brokers, topics)
})

/** The messages of a gateway until one of them matches. */
async function messagesUntil(env: Readonly<Record<string, string>>, pattern: RegExp): Promise<string[]> {
  const messages: string[] = []
  const whole = { TICKER_MODE: 'development', TICKER_PORT: '0', TICKER_OPS_PORT: '0', ...env }
  const write = (line: string): void => {
    const { msg } = JSON.parse(line) as { msg: string }
    messages.push(msg)
  }
  const gateway = await startGateway(readConfig(whole), { logStream: { write } })
  onTestFinished(() => gateway.stop())
  await expect.poll(() => messages.some(message => pattern.test(message))).toBe(true)
  return messages
}

function publish(env: Readonly<Record<string, string>>, timeoutMs = 20_000): Command {
  const args = [join(folder, 'one.jsonl')]
  const command = new Command('publish', { args, env: { TICKER_MODE: 'development', ...env }, timeoutMs })
  onTestFinished(() => command.kill())
  return command
}

describe('while Kafka is away', () => {
  test('the gateway tells each failure once', async () => {
    const messages = await messagesUntil(
      { TICKER_KAFKA_BROKERS: `127.0.0.1:${await freePort()}` },
      /cannot connect/,
    )
    expect(messages.filter(message => message.includes('ECONNREFUSED'))).toEqual([
      expect.stringMatching(/^127\.0\.0\.1:\d+: cannot connect: /),
    ])
  })

  test('publish tells each failure once', async () => {
    const command = publish({ TICKER_KAFKA_BROKERS: `127.0.0.1:${await freePort()}` })
    await command.printed('stderr', /cannot connect/)
    const lines = command.stderr.split('\n').filter(line => line.includes('ECONNREFUSED'))
    expect(lines).toEqual([expect.stringMatching(/^the log: 127\.0\.0\.1:\d+: cannot connect: /)])
  })
})

test('with a Kafka, publish says what it has done and nothing else', async () => {
  const command = publish(kafkaVariables(brokers, topics))
  expect(await command.ended()).toBe(0)
  expect(command.stderr).not.toMatch(/warning|kafkajs|the log:/i)
})
