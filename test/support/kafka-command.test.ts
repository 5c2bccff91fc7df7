import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { defaultTopics } from '../../src/log/topics.ts'
import { freePort } from './port.ts'
import { namesOf, withAdmin } from './topics.ts'

const script = join(import.meta.dirname, 'kafka-command.ts')

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticker-kafka-command-'))
})

afterEach(() => rm(folder, { recursive: true }))

test('makes the default topics, says what to paste next, and stops in order', async () => {
  const port = await freePort()
  const command = spawn(process.execPath, [
    script,
    '--port',
    `${port}`,
    '--partitions',
    '2',
    '--data',
    folder,
  ])
  const ended = once(command, 'exit')
  const errors = text(command.stderr)
  let printed = ''
  for await (const chunk of command.stdout.setEncoding('utf8')) {
    printed += chunk
    if (printed.includes('Ctrl-C')) break
  }

  expect(printed).toContain(`TICKER_MODE=development TICKER_KAFKA_BROKERS=127.0.0.1:${port} npm run gateway`)
  const { topics } = await withAdmin(`127.0.0.1:${port}`, admin => admin.fetchTopicMetadata())
  const made = new Map(topics.map(({ name, partitions }) => [name, partitions.length]))
  expect(made).toEqual(new Map(namesOf(defaultTopics).map(name => [name, 2])))

  command.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
  expect(await errors).toBe('')
})

test.each([
  {
    args: ['--port', 'ninety'],
    said: 'kafka: --port ninety: expected a whole number, 1 to 65535\n',
    code: 2,
  },
  {
    args: ['--partitions', '0'],
    said: 'kafka: --partitions 0: expected a whole number, 1 to 1000\n',
    code: 2,
  },
  { args: ['--topics'], said: "kafka: Unknown option '--topics'; --help shows the options\n", code: 2 },
  { args: ['--help'], said: '', code: 0 },
])('answers $args with code $code', async ({ args, said, code }) => {
  const command = spawn(process.execPath, [script, ...args])
  const [errors, ended] = await Promise.all([text(command.stderr), once(command, 'exit')])

  expect(errors).toBe(said)
  expect(ended).toEqual([code, null])
})
