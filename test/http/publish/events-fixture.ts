import type { MarketEvent } from '../../../src/event/event.ts'
import type { EventLog } from '../../../src/log/event-log.ts'
import { open } from '../../commands/publish/publish-fixture.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway.ts'
import { mark, readSince } from './log-reading.ts'
import { type Answered, type Post, post } from './post.ts'

/**
 * A gateway on an embedded log, a token that may publish everything, and the log, opened once more to see
 * what is there.
 */
export class EventsFixture {
  readonly gateway: TestGateway
  readonly log: EventLog
  readonly token: string

  private constructor(gateway: TestGateway, token: string) {
    this.gateway = gateway
    this.log = open(gateway.env)
    this.token = token
  }

  static async open(): Promise<EventsFixture> {
    const gateway = await startTestGateway()
    return new EventsFixture(gateway, await gateway.token({ scopes: ['publish'] }))
  }

  send(request: Post): Promise<Answered> {
    return post(this.gateway.url, { token: this.token, ...request })
  }

  /** Sends a request, and tells what it added to the log, partition by partition. */
  async published(request: Post): Promise<{ answer: Answered; events: MarketEvent[] }> {
    const since = await mark(this.log)
    const answer = await this.send(request)
    return { answer, events: await readSince(this.log, since) }
  }

  async close(): Promise<void> {
    await this.log.close()
    await this.gateway.stop()
  }
}
