import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import Fastify from 'fastify'
import { onTestFinished } from 'vitest'
import type { MarketEvent } from '../../../src/event/event.ts'
import { listen } from '../../../src/app/listeners.ts'
import { serveEvents } from '../../../src/http/events-route.ts'
import type { PublishOutcome } from '../../../src/http/publish/publish-outcome.ts'
import { EventIntake, type EventIntakeOptions } from '../../../src/http/publish/event-intake.ts'
import { createGrant, createTestQuotas, defaults } from '../../support/defaults.ts'
import { type Answered, type Post, post } from './post.ts'
import { clockOf } from '../../support/test-clock.ts'

/** One call of `append`, which the test answers. */
export interface Append {
  readonly events: readonly MarketEvent[]
  readonly answer: (outcomes: readonly PublishOutcome[]) => void
  readonly fail: (error: Error) => void
}

/** `eventsPerSecond` is for each user. */
interface BareOptions extends Partial<EventIntakeOptions> {
  readonly eventsPerSecond?: number
}

const partition = { topic: 'market.trades', partition: 0 }

/** Events that lie one behind the other. */
export function appendedAt(count: number, from = 0): PublishOutcome[] {
  return Array.from({ length: count }, (_, index) => ({
    position: { partition, epoch: 'epoch', offset: from + index },
  }))
}

/**
 * `POST /v1/events` over a log that the test plays: no Kafka, no file. A token is the user's name, for whom
 * everything is allowed. The clock stands until it is set.
 */
export class BareIntake {
  readonly intake: EventIntake
  url = ''
  readonly logLines: readonly string[]
  nowMs = 0
  isReady = true
  #appends: Append[] = []
  #wake: () => void = () => undefined

  private constructor(options: BareOptions, logLines: readonly string[]) {
    const { eventsPerSecond = defaults.publish.eventsPerSecond, ...rest } = options
    this.intake = new EventIntake({
      verify: subject => Promise.resolve(createGrant({ subject, scopes: new Set(['publish']) })),
      append: events => this.#append(events),
      isReady: () => this.isReady,
      ...defaults.publish,
      maxEventBytes: defaults.ingest.maxEventBytes,
      quotas: createTestQuotas(
        { eventsPerSecond },
        clockOf(() => this.nowMs),
      ),
      ...rest,
    })
    this.logLines = logLines
  }

  /** Starts one that ends with the test. */
  static async start(options: BareOptions = {}): Promise<BareIntake> {
    const logLines: string[] = []
    const app = Fastify({
      forceCloseConnections: true,
      logger: { level: 'warn', stream: { write: line => void logLines.push(line) } },
    })
    onTestFinished(() => app.close())
    const bare = new BareIntake(options, logLines)
    await serveEvents(app, bare.intake)
    bare.url = `http://${await listen(app, { host: '127.0.0.1', port: 0 }, { purpose: '', host: '', port: '' })}`
    return bare
  }

  post(request: Post): Promise<Answered> {
    return post(this.url, { token: 'ann', ...request })
  }

  /** A connection to speak HTTP over by hand. */
  async connect(): Promise<Socket> {
    const { hostname, port } = new URL(this.url)
    const socket = connect(Number(port), hostname)
    onTestFinished(() => void socket.destroy())
    await once(socket, 'connect')
    return socket.setEncoding('utf8')
  }

  /** The next call of `append` that the test has not seen. */
  async appended(): Promise<Append> {
    for (;;) {
      const append = this.#appends.shift()
      if (append !== undefined) return append
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }

  #append(events: readonly MarketEvent[]): Promise<readonly PublishOutcome[]> {
    const { promise, resolve, reject } = Promise.withResolvers<readonly PublishOutcome[]>()
    this.#appends.push({ events, answer: resolve, fail: reject })
    this.#wake()
    return promise
  }
}

/** A request as it goes over the wire. */
export function wire(body: string | Buffer, headers: readonly string[] = []): Buffer {
  const bytes = Buffer.from(body)
  const lines = [
    'POST /v1/events HTTP/1.1',
    'Host: gateway',
    'Authorization: Bearer ann',
    'Content-Type: application/json',
    `Content-Length: ${bytes.length}`,
    ...headers,
  ]
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), bytes])
}

/** Reads until what was received matches. */
export async function received(socket: Socket, pattern: RegExp): Promise<string> {
  let text = ''
  while (!pattern.test(text)) {
    const [chunk] = (await once(socket, 'data')) as [string]
    text += chunk
  }
  return text
}

/** The statuses of the next answers. */
export async function statuses(socket: Socket, count: number): Promise<string[]> {
  let text = ''
  for (;;) {
    const found = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status = '']) => status)
    if (found.length >= count) return found
    const [chunk] = (await once(socket, 'data')) as [string]
    text += chunk
  }
}
