import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { patchKafkajs } from '../../src/log/kafka/connection/kafkajs-patches.ts'
import { Guard } from './guard.ts'
import { JavaProcess } from './java.ts'
import type { KafkaConfiguration } from './kafka-configuration.ts'
import { waitUntil } from './wait-until.ts'

const startTimeoutMs = 60_000
const stopTimeoutMs = 15_000
const logTailLines = 20

export interface KafkaSetup {
  readonly jars: string
  readonly folder: string
  /** Whether the folder stays after `stop`. */
  readonly isKept: boolean
  readonly port: number
  readonly configuration: KafkaConfiguration
  readonly javaOptions: readonly string[]
  /** Whether its configuration names other nodes that vote with it. */
  readonly isOneOfSeveral: boolean
}

/** A Kafka broker of ours; tests may stop, kill and start it again. Made by `startKafka`. */
export class KafkaBroker {
  /** The address for clients: `127.0.0.1:port`. */
  readonly brokers: string
  /** The file with what the broker prints. */
  readonly log: string
  readonly #setup: KafkaSetup
  readonly #guard: Guard
  #process: JavaProcess | undefined

  constructor(setup: KafkaSetup) {
    this.brokers = `127.0.0.1:${setup.port}`
    this.#setup = setup
    this.log = join(setup.folder, 'broker.log')
    this.#guard = new Guard(setup.isKept ? '' : setup.folder)
  }

  /** Prepares the data folder, once in its life. */
  async format(): Promise<void> {
    await rm(this.log, { force: true })
    if (existsSync(join(this.#setup.folder, 'data/meta.properties'))) return
    const clusterId = Buffer.from('ticker-gateway-1').toString('base64url')
    const { configuration, isOneOfSeveral } = this.#setup
    const quorum = isOneOfSeveral ? [] : ['--standalone']
    const identity = ['-t', clusterId, '-c', configuration.server]
    const tool = await this.#run(['kafka.tools.StorageTool', 'format', ...quorum, ...identity])
    const ended = await tool.ended()
    if (ended !== 0) throw await this.#failure(`could not be formatted (${ended})`)
  }

  /**
   * Starts the broker on its port and data, after an orderly shutdown if it runs. Resolves when it answers.
   */
  async restart(): Promise<void> {
    await this.shutDown()
    const broker = await this.#run(['kafka.Kafka', this.#setup.configuration.server])
    const isOver = async (): Promise<boolean> => !broker.isRunning || (await answers(this.brokers))
    await waitUntil(isOver, 'an answer', startTimeoutMs).catch(async () => {
      throw await this.#failure(`does not answer after ${startTimeoutMs} ms`)
    })
    if (!broker.isRunning) throw await this.#failure(`ended at its start (${await broker.ended()})`)
  }

  /** Ends the broker in order (SIGTERM, after 15 s SIGKILL) and keeps its data, for `restart`. */
  async shutDown(): Promise<void> {
    await this.#process?.stop(stopTimeoutMs)
    this.#guard.watch(undefined)
  }

  /** Ends the broker at once (SIGKILL) and keeps its data, for `restart`. */
  async kill(): Promise<void> {
    await this.#process?.kill()
    this.#guard.watch(undefined)
  }

  /**
   * Ends the broker in order and, if it is temporary, removes its data. Nothing can be done with it after
   * that.
   */
  async stop(): Promise<void> {
    await this.shutDown()
    await this.#guard.end()
  }

  /** Resolves when the process that runs now has ended, with its exit code or signal. */
  async ended(): Promise<number | NodeJS.Signals> {
    return this.#process?.ended() ?? 0
  }

  async #run(command: readonly [main: string, ...parameters: string[]]): Promise<JavaProcess> {
    const { jars, configuration, javaOptions } = this.#setup
    const logging = `-Dlog4j2.configurationFile=${configuration.logging}`
    const options = ['-Xms256m', '-Xmx512m', logging, ...javaOptions]
    this.#process = await JavaProcess.start({ jars, command, options, log: this.log })
    this.#guard.watch(this.#process.pid)
    return this.#process
  }

  async #failure(what: string): Promise<Error> {
    // The text of every error, not its stack.
    const lines = (await readFile(this.log, 'utf8')).split('\n').filter(line => !line.startsWith('\tat '))
    const tail = lines.slice(-logTailLines).join('\n').trimEnd()
    return new Error(`Kafka on ${this.brokers} ${what}; its log ends:\n${tail}`)
  }
}

/** Whether a client gets an answer that names a live broker: the port opens before that. */
async function answers(brokers: string): Promise<boolean> {
  patchKafkajs()
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING, retry: { retries: 0 } })
  const admin = kafka.admin()
  try {
    await admin.connect()
    return (await admin.describeCluster()).brokers.length > 0
  } catch {
    return false
  } finally {
    await admin.disconnect()
  }
}
