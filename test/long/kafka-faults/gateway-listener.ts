import type { KafkaPorts, KafkaProperties } from '../../support/kafka-configuration.ts'
import { type KafkaBroker, startKafkaCluster } from '../../support/kafka.ts'
import { freePort } from '../../support/port.ts'
import { TcpProxy } from '../../support/tcp-proxy.ts'

/** Brokers to which the gateway has a way of its own, through proxies. */
export interface ProxiedCluster {
  /** The first has the id 1. */
  readonly nodes: readonly KafkaBroker[]
  /** In the order of the nodes. */
  readonly proxies: readonly TcpProxy[]
  readonly brokers: string
  /** The proxies' addresses. */
  readonly gatewayBrokers: string
  stop(): Promise<void>
}

/** Starts brokers that each advertise a proxy on a listener that only the gateway uses. */
export async function startProxiedCluster(
  count: number,
  properties: KafkaProperties = {},
): Promise<ProxiedCluster> {
  const listeners: Listener[] = []
  while (listeners.length < count) listeners.push({ own: await freePort(), proxy: await freePort() })
  const nodes = await startKafkaCluster({
    brokers: count,
    properties: (id, ports) => ({ ...properties, ...listenerProperties(ports, listeners[id - 1]!) }),
  })
  const proxies = await Promise.all(listeners.map(({ own, proxy }) => TcpProxy.start(proxy, own)))
  return {
    nodes,
    proxies,
    brokers: nodes.map(({ brokers }) => brokers).join(','),
    gatewayBrokers: listeners.map(({ proxy }) => `127.0.0.1:${proxy}`).join(','),
    stop: async () => {
      await Promise.all(proxies.map(proxy => proxy.stop()))
      await Promise.all(nodes.map(node => node.stop()))
    },
  }
}

interface Listener {
  readonly own: number
  readonly proxy: number
}

function listenerProperties(ports: KafkaPorts, { own, proxy }: Listener): KafkaProperties {
  const client = `PLAINTEXT://127.0.0.1:${ports.client}`
  const controller = `CONTROLLER://127.0.0.1:${ports.controller}`
  return {
    listeners: `${client},GATEWAY://127.0.0.1:${own},${controller}`,
    'advertised.listeners': `${client},GATEWAY://127.0.0.1:${proxy},${controller}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,GATEWAY:PLAINTEXT,CONTROLLER:PLAINTEXT',
  }
}
