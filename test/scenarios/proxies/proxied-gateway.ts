import type { Topics } from '../../../src/log/topics.ts'
import { freePort } from '../../support/port.ts'
import { kafkaVariables } from '../../support/topics.ts'
import { RestartableGateway } from '../resume-kills/restartable-gateway.ts'
import type { Upstream } from './proxy.ts'

/** A gateway behind a proxy on this machine, which keeps its ports when it is started again. */
export class ProxiedGateway extends RestartableGateway implements Upstream {
  readonly port: number
  readonly operationsPort: number

  private constructor(env: Readonly<Record<string, string>>, port: number, operationsPort: number) {
    super({
      ...env,
      TICKER_PORT: String(port),
      TICKER_OPS_PORT: String(operationsPort),
      TICKER_TRUSTED_PROXIES: '127.0.0.1',
    })
    this.port = port
    this.operationsPort = operationsPort
  }

  static async start(brokers: string, topics: Topics): Promise<ProxiedGateway> {
    const variables = kafkaVariables(brokers, topics)
    const gateway = new ProxiedGateway(variables, await freePort(), await freePort())
    await gateway.start()
    return gateway
  }

  /** The number of live sessions. */
  async sessions(): Promise<number> {
    const names = ['websocket', 'sse'].map(
      transport => `ticker_sessions{feed="live",transport="${transport}",state="live"}`,
    )
    const counts = await Promise.all(names.map(name => this.process.metric(name)))
    return counts.reduce<number>((sum, count) => sum + (count ?? 0), 0)
  }

  /** Sends a request to the administration; throws if it is refused. */
  async administer(path: string, body: object): Promise<void> {
    const answer = await this.process.administer('POST', path, body)
    if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer)}`)
  }
}
