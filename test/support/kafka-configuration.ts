import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export interface KafkaPorts {
  readonly client: number
  readonly controller: number
}

/** A node's place among those that form a cluster. */
export interface KafkaNode {
  /** From 1. */
  readonly id: number
  /** The controllers' ports of all nodes, in the order of their ids. */
  readonly controllers: readonly number[]
}

/** Server properties by name. */
export type KafkaProperties = Readonly<Record<string, string | number | boolean>>

/** The files that the Java programs of one broker are given, absolute. */
export interface KafkaConfiguration {
  readonly server: string
  readonly logging: string
}

/** Writes a broker's configuration into its folder; `extra` properties win over ours. */
export async function writeConfiguration(
  folder: string,
  ports: KafkaPorts,
  extra: KafkaProperties,
): Promise<KafkaConfiguration> {
  const server = join(folder, 'server.properties')
  const logging = join(folder, 'log4j2.properties')
  const properties = { ...serverProperties(folder, ports), ...extra }
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`)
  await writeFile(server, lines.join(''))
  await writeFile(logging, loggingProperties)
  return { server, logging }
}

/**
 * What one of several nodes has otherwise: every topic of Kafka's own on three of them, and the voters known
 * from the start.
 */
export function clusterProperties({ id, controllers }: KafkaNode): KafkaProperties {
  const replicas = Math.min(3, controllers.length)
  const leastReplicas = Math.min(2, replicas)
  return {
    'node.id': id,
    'controller.quorum.voters': controllers.map((port, index) => `${index + 1}@127.0.0.1:${port}`).join(','),
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': leastReplicas,
    'default.replication.factor': replicas,
    'min.insync.replicas': leastReplicas,
  }
}

/** One node that is broker and controller, and knows that it is alone. */
function serverProperties(folder: string, ports: KafkaPorts): KafkaProperties {
  const client = `PLAINTEXT://127.0.0.1:${ports.client}`
  const controller = `CONTROLLER://127.0.0.1:${ports.controller}`
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.bootstrap.servers': `127.0.0.1:${ports.controller}`,
    listeners: `${client},${controller}`,
    'advertised.listeners': `${client},${controller}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'group.initial.rebalance.delay.ms': 0,
    'auto.create.topics.enable': false,
    'num.partitions': 4,
    // After a SIGKILL the broker listens again once its old session has expired: 5 s instead of 14.
    'broker.session.timeout.ms': 2000,
    'broker.heartbeat.interval.ms': 500,
    // Tests write records with times of 2013; the default of a week would delete them within minutes.
    'log.retention.ms': -1,
  }
}

const loggingProperties = `
rootLogger.level=WARN
rootLogger.appenderRef.console.ref=console
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{HH:mm:ss.SSS} %p %c{1}: %m%n
`
