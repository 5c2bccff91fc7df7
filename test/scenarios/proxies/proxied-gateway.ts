import type { Topics } from '../../../src/log/topics.ts'
import { Node } from '../resume-kills/node.ts'
import { readMetric } from '../../support/gateway.ts'
import { freePort } from '../../support/port.ts'
import { kafkaVariables } from '../../support/topics.ts'
import type { Upstream } from './proxy.ts'

const adminToken = 'of-the-tests-of-proxies-32-characters-and-more'

/** A gateway behind a proxy on this machine, at the same ports whenever it is started again. */
export class ProxiedGateway extends Node implements Upstream {
  readonly port: number
  readonly operationsPort: number
  readonly #adminPort: number

  private constructor(env: Readonly<Record<string, string>>, ports: readonly [number, number, number]) {
    super(env)
    ;[this.port, this.operationsPort, this.#adminPort] = ports
  }

  static async start(brokers: string, topics: Topics): Promise<ProxiedGateway> {
    const ports = [await freePort(), await freePort(), await freePort()] as const
    const gateway = new ProxiedGateway(
      {
        ...kafkaVariables(brokers, topics),
        TICKER_PORT: String(ports[0]),
        TICKER_OPS_PORT: String(ports[1]),
        TICKER_ADMIN_PORT: String(ports[2]),
        TICKER_ADMIN_TOKEN: adminToken,
        TICKER_TRUSTED_PROXIES: '127.0.0.1',
      },
      ports,
    )
    await gateway.start()
    return gateway
  }

  /** How many sessions are live on it. */
  async sessions(): Promise<number> {
    const url = `http://127.0.0.1:${this.operationsPort}/metrics`
    return (await readMetric(url, 'ticker_sessions{state="live"}')) ?? 0
  }

  /** Asks something of its administration; throws where that is refused. */
  async administer(path: string, body: object): Promise<void> {
    const answer = await fetch(`http://127.0.0.1:${this.#adminPort}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
  }
}
