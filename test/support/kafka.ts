import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KafkaBroker } from './kafka-broker.ts'
import { type KafkaProperties, writeConfiguration } from './kafka-configuration.ts'
import { kafkaJars } from './kafka-jars.ts'
import { freePort, isFree } from './port.ts'
import { java, Requirements } from './requirements.ts'

export type { KafkaBroker } from './kafka-broker.ts'

export interface KafkaOptions {
  /** The port on 127.0.0.1; a free one if left out. */
  readonly port?: number
  /** Where the data lies and stays after `stop`; a temporary folder, removed by `stop`, if left out. */
  readonly folder?: string
  /** Further server properties; they win over ours. */
  readonly properties?: KafkaProperties
  /** Finds Java and Maven, and reports what takes long. */
  readonly requirements?: Requirements
}

/**
 * Starts a real Kafka, one node, on 127.0.0.1. Resolves when it answers requests; rejects, with the end of its
 * log, when it does not within a minute. It does not outlive this process, however this one ends.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaBroker> {
  const port = options.port ?? (await freePort())
  if (!(await isFree(port))) {
    throw new Error(`127.0.0.1:${port}: something else listens there; stop it or choose another port`)
  }
  const requirements = options.requirements ?? new Requirements()
  await requirements.ensure(java)
  const jars = await kafkaJars(requirements)
  const folder = await dataFolder(options.folder)
  const ports = { client: port, controller: await freePort() }
  const configuration = await writeConfiguration(folder, ports, options.properties ?? {})
  const broker = new KafkaBroker({ jars, folder, isKept: options.folder !== undefined, port, configuration })
  try {
    await broker.format()
    await broker.restart()
  } catch (error) {
    await broker.stop()
    throw error
  }
  return broker
}

async function dataFolder(folder: string | undefined): Promise<string> {
  if (folder === undefined) return mkdtemp(join(tmpdir(), 'ticker-kafka-'))
  await mkdir(folder, { recursive: true })
  return folder
}
