import { type IncomingHttpHeaders, request } from 'node:http'
import { onTestFinished } from 'vitest'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { StreamClient } from '../support/stream-client.ts'

export const adminToken = 'correct-horse-battery-staple-0123456789'

export interface AdminAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Record<string, unknown>
}

interface AdminCall {
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** `undefined`: no token. */
  readonly token?: string | undefined
}

/** A gateway with an administration listener, and an administrator. */
export class AdminClient {
  readonly gateway: TestGateway

  private constructor(gateway: TestGateway) {
    this.gateway = gateway
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<AdminClient> {
    const gateway = await startTestGateway({
      TICKER_ADMIN_TOKEN: adminToken,
      TICKER_ADMIN_PORT: '0',
      ...env,
    })
    onTestFinished(() => gateway.stop())
    return new AdminClient(gateway)
  }

  /** Sends what `fetch` would not: any `Host`, any method with any body. */
  async call(method: string, path: string, call: AdminCall = {}): Promise<AdminAnswer> {
    const { headers = {}, body, token = adminToken } = call
    const text = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body)
    const { promise, resolve, reject } = Promise.withResolvers<AdminAnswer>()
    const sent = request(`${this.gateway.administrationUrl}${path}`, {
      method,
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(text === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
    })
    sent.on('error', reject)
    sent.on('response', response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const answer = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: answer })
      })
    })
    sent.end(text)
    return await promise
  }

  /** A subscriber of this user's, authenticated. */
  async subscriber(subject: string): Promise<StreamClient> {
    return await StreamClient.open(this.gateway.streamUrl, await this.gateway.token({ subject }))
  }

  /** What the log has of administration. */
  get logged(): Record<string, unknown>[] {
    return this.gateway.logLines
      .map(line => JSON.parse(line) as Record<string, unknown>)
      .filter(({ msg }) => String(msg).startsWith('administration'))
  }
}
