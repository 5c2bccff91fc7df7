import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { UsageError, readOptions } from '../../src/commands/command-line.ts'
import { messageOf } from '../../src/diagnostics/ticker-error.ts'
import { defaultTopics } from '../../src/log/topics.ts'
import { createSetUp } from '../setup/set-up.ts'
import { type KafkaBroker, startKafka } from './kafka.ts'
import { ensureTopics, namesOf } from './topics.ts'

const help = `npm run kafka -- [options]

Runs a real Kafka, one node, on 127.0.0.1 for development, with the gateway's default topics.
It needs Java, and Maven at its first start, which fetches Kafka (43 MB). Ctrl-C stops it.

  --port N        the port to listen on (9092)
  --partitions N  of each topic that does not exist yet (4)
  --data DIR      where its data is kept between runs (.cache/kafka-data)
  --help          prints this
`

/** A developer's disk is finite, so each partition keeps about 256 MiB. */
const properties = { 'log.retention.bytes': 256 * 1024 * 1024, 'log.segment.bytes': 64 * 1024 * 1024 }

interface Command {
  readonly port: number
  readonly partitions: number
  readonly folder: string
}

/** What the command line asks for; `undefined`: help. */
function parseCommand(args: readonly string[]): Command | undefined {
  const { values } = readOptions({
    args: [...args],
    options: {
      port: { type: 'string', default: '9092' },
      partitions: { type: 'string', default: '4' },
      data: { type: 'string', default: join(import.meta.dirname, '../../.cache/kafka-data') },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return undefined
  return {
    port: parseWhole('--port', values.port, 65_535),
    partitions: parseWhole('--partitions', values.partitions, 1_000),
    folder: resolve(values.data),
  }
}

function parseWhole(option: string, text: string, highest: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= 1 && value <= highest) return value
  throw new UsageError(`${option} ${text}: expected a whole number, 1 to ${highest}`)
}

async function runKafka({ port, partitions, folder }: Command): Promise<void> {
  if (!(await createSetUp('Kafka').run()))
    throw new Error('something is missing; the lines above say how to get it')
  console.log(`Kafka starts on 127.0.0.1:${port}, its data in ${folder} …`)
  const names = namesOf(defaultTopics)
  const kafka = await startKafka({ port, folder, properties })
  try {
    await ensureTopics(kafka.brokers, names, { partitions })
    console.log(`It is ready, with the topics ${names.join(', ')}. In another terminal:\n`)
    console.log(`  TICKER_MODE=development TICKER_KAFKA_BROKERS=${kafka.brokers} npm run gateway\n`)
    console.log('Ctrl-C stops it.')
    await endRequested(kafka)
  } finally {
    await kafka.stop()
  }
  console.log('Kafka has stopped.')
}

/**
 * Resolves at the first SIGINT or SIGTERM (a second one ends us at once); rejects if the broker ends by
 * itself.
 */
async function endRequested(kafka: KafkaBroker): Promise<void> {
  const ended = kafka.ended().then(how => {
    throw new Error(`Kafka ended by itself (${how}); its log is ${kafka.log}`)
  })
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM'), ended])
}

try {
  const command = parseCommand(process.argv.slice(2))
  if (command === undefined) process.stdout.write(help)
  else await runKafka(command)
} catch (error) {
  console.error(`kafka: ${messageOf(error)}`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
