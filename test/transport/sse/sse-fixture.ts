import { onTestFinished } from 'vitest'
import { openLog } from '../../../src/app/open-log.ts'
import { readConfig } from '../../../src/config/config-reader.ts'
import type { MarketEvent } from '../../../src/event/event.ts'
import type { DevelopmentTokenRequest } from '../../../src/auth/development-token.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway.ts'
import { SseClient, type SseOptions } from '../../support/sse-client.ts'

/** A gateway with the log that it reads, for one test. */
export class SseFixture {
  readonly gateway: TestGateway
  readonly append: (events: readonly MarketEvent[]) => Promise<void>

  private constructor(gateway: TestGateway, append: SseFixture['append']) {
    this.gateway = gateway
    this.append = append
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<SseFixture> {
    const gateway = await startTestGateway(env)
    onTestFinished(() => gateway.stop())
    const log = openLog(readConfig(gateway.env), { warn: () => undefined })
    onTestFinished(() => log.events.close())
    return new SseFixture(gateway, async events => {
      for (const result of await log.events.append(events)) {
        if ('error' in result) throw result.error
      }
    })
  }

  url(query: string): string {
    return `${this.gateway.url}/v1/events?${query}`
  }

  /** Asks for events with a token for everything, unless the options have one; ends with the test. */
  async open(
    query: string,
    { grant, ...options }: SseOptions & { readonly grant?: Partial<DevelopmentTokenRequest> } = {},
  ): Promise<SseClient> {
    const token = await this.gateway.token(grant)
    const client = await SseClient.open(this.url(query), { token, ...options })
    onTestFinished(() => client.cut())
    return client
  }
}

/** A numbered trade of AAPL, unless it is of another symbol. */
export function numberedTrade(i: number, S = 'AAPL'): MarketEvent {
  return { T: 't', S, i, p: 126.55, s: 1, t: '2026-02-22T15:51:44.208000001Z' }
}

export function numberedTrades(from: number, to: number): MarketEvent[] {
  return Array.from({ length: to - from }, (_, index) => numberedTrade(from + index))
}

/** The numbers of the trades that a client has, as they came. */
export function numbersOf({ messages }: SseClient): unknown[] {
  return messages.filter(({ T }) => T === 't').map(({ i }) => i)
}
