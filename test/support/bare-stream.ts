import Fastify, { type FastifyInstance } from 'fastify'
import type { Feed } from '../../src/feed/feed.ts'
import { listen } from '../../src/app/listeners.ts'
import type { SessionLimits } from '../../src/session/session-context.ts'
import type { Sessions } from '../../src/session/sessions.ts'
import { HandshakeAdmission } from '../../src/transport/handshake-admission.ts'
import { createTransportRefusals } from '../../src/transport/refusal-counts.ts'
import { serveSse } from '../../src/transport/sse/sse-route.ts'
import { serveStream } from '../../src/transport/websocket/stream-route.ts'
import {
  createTestFeed,
  createTestQuotas,
  createTestSessions,
  defaultLimits,
  defaults,
  overrides,
} from './defaults.ts'

/**
 * The routes of both transports over a feed that the test fills itself: no log, and every token allows
 * everything.
 */
export interface BareStream {
  readonly app: FastifyInstance
  readonly feed: Feed
  readonly sessions: Sessions
  readonly url: string
  /** `http://host:port/v1/events`. */
  readonly eventsUrl: string
  readonly stop: () => Promise<void>
}

export async function startBareStream(
  changes: Partial<SessionLimits>,
  feed = createTestFeed(),
): Promise<BareStream> {
  const app = Fastify()
  const limits = {
    ...defaultLimits,
    ...overrides.bareStream,
    ...changes,
  }
  const quotas = createTestQuotas(limits)
  const sessions = createTestSessions(limits, { feed, quotas })
  const admission = new HandshakeAdmission({ quotas })
  const refusals = createTransportRefusals()
  const common = {
    ...defaults.limits,
    ...limits,
    sessions,
    admission,
    allowedOrigins: '*' as const,
    isReady: () => true,
    closeTimeoutMs: 200,
    log: app.log,
  }
  await serveStream(app, { ...common, refusals: refusals.websocket })
  serveSse(app, { ...common, refusals: refusals.sse, addressOf: () => '127.0.0.1' })
  const address = await listen(app, { host: '127.0.0.1', port: 0 }, { purpose: '', host: '', port: '' })
  const stop = async (): Promise<void> => {
    await sessions.drain(0)
    await app.close()
  }
  return {
    app,
    feed,
    sessions,
    url: `ws://${address}/v1/stream`,
    eventsUrl: `http://${address}/v1/events`,
    stop,
  }
}
