import { mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafkaJars } from '../setup/kafka-jars.ts'
import { KafkaBroker } from './kafka-broker.ts'
import {
  clusterProperties,
  type KafkaPorts,
  type KafkaProperties,
  writeConfiguration,
} from './kafka-configuration.ts'
import { freePort, isFree } from './port.ts'

export type { KafkaBroker } from './kafka-broker.ts'

export interface KafkaOptions {
  /** The port on 127.0.0.1; a free one if left out. */
  readonly port?: number
  /** Where the data lies and stays after `stop`; a temporary folder, removed by `stop`, if left out. */
  readonly folder?: string
  /** Further server properties; they win over ours. */
  readonly properties?: KafkaProperties
  /** Options for Java; they win over ours. */
  readonly javaOptions?: readonly string[]
}

/**
 * Starts a real Kafka, one node, on 127.0.0.1. Resolves when it answers requests; rejects, with the end of
 * its log, when it does not within a minute. It does not outlive this process, however this one ends.
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaBroker> {
  const port = options.port ?? (await freePort())
  if (!(await isFree(port))) {
    throw new Error(`127.0.0.1:${port}: something else listens there; stop it or choose another port`)
  }
  const ports = { client: port, controller: await freePort() }
  const broker = await prepareBroker(ports, options)
  return started([broker], broker)
}

export interface KafkaClusterOptions {
  readonly brokers: number
  /** Further server properties of a node, by its id from 1 and its ports; they win over ours. */
  readonly properties?: (id: number, ports: KafkaPorts) => KafkaProperties
}

/**
 * Starts several real Kafka nodes that form one cluster, each broker and controller, the first with the id 1.
 * Resolves and rejects as `startKafka` does.
 */
export async function startKafkaCluster(options: KafkaClusterOptions): Promise<readonly KafkaBroker[]> {
  const nodes: KafkaPorts[] = []
  while (nodes.length < options.brokers) {
    nodes.push({ client: await freePort(), controller: await freePort() })
  }
  const controllers = nodes.map(({ controller }) => controller)
  const brokers = await Promise.all(
    nodes.map((ports, index) => {
      const id = index + 1
      const properties = { ...clusterProperties({ id, controllers }), ...options.properties?.(id, ports) }
      return prepareBroker(ports, { properties, isOneOfSeveral: true })
    }),
  )
  return started(brokers, brokers)
}

async function prepareBroker(
  ports: KafkaPorts,
  options: KafkaOptions & { readonly isOneOfSeveral?: boolean },
): Promise<KafkaBroker> {
  const { isOneOfSeveral = false } = options
  const jars = kafkaJars()
  const folder = await dataFolder(options.folder)
  const configuration = await writeConfiguration(folder, ports, options.properties ?? {})
  const isKept = options.folder !== undefined
  const { javaOptions = [] } = options
  return new KafkaBroker({
    jars,
    folder,
    isKept,
    port: ports.client,
    configuration,
    javaOptions,
    isOneOfSeveral,
  })
}

/** The answer, once all of the brokers run; if one does not, none is left. */
async function started<Answer>(brokers: readonly KafkaBroker[], answer: Answer): Promise<Answer> {
  try {
    await Promise.all(brokers.map(broker => broker.format()))
    await Promise.all(brokers.map(broker => broker.restart()))
    return answer
  } catch (error) {
    await Promise.allSettled(brokers.map(broker => broker.stop()))
    throw error
  }
}

async function dataFolder(folder: string | undefined): Promise<string> {
  if (folder === undefined) return mkdtemp(join(tmpdir(), 'ticker-kafka-'))
  await mkdir(folder, { recursive: true })
  return folder
}
