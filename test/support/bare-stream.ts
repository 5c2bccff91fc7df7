import Fastify, { type FastifyInstance } from 'fastify'
import type { Grant } from '../../src/auth/grant.ts'
import { Feed } from '../../src/fanout/feed.ts'
import { listen } from '../../src/gateway/listen.ts'
import { Revocations } from '../../src/auth/revocations.ts'
import type { SessionLimits } from '../../src/session/session-parts.ts'
import { noHistory } from './no-history.ts'
import { Sessions } from '../../src/session/sessions.ts'
import { Admission } from '../../src/transport/admission.ts'
import { serveStream } from '../../src/transport/stream-route.ts'
import { someWindow } from './some-window.ts'
import { createTestLedger } from './test-ledger.ts'

/** A stream route over a feed that the test fills itself: no log, and every token allows everything. */
export interface BareStream {
  readonly app: FastifyInstance
  readonly feed: Feed
  readonly sessions: Sessions
  readonly url: string
  readonly stop: () => Promise<void>
}

const everything: Grant = {
  subject: 'test',
  scopes: new Set(['stream']),
  feeds: '*',
  channels: '*',
  symbols: '*',
  rooms: '*',
  expiresAtMs: 8e15,
}

export async function startBareStream(changes: Partial<SessionLimits>): Promise<BareStream> {
  const app = Fastify()
  const feed = new Feed({ maxItems: 10, window: someWindow })
  const limits = {
    authTimeoutMs: 10_000,
    maxMessageBytes: 65_536,
    maxItemsPerSession: 10,
    maxSessions: 1000,
    maxUnsentBytes: 4_194_304,
    maxUnackedBytes: 1_048_576,
    maxUnackedMs: 5000,
    slowTimeoutMs: 60_000,
    heartbeatMs: 60_000,
    messagesPerSecond: 50,
    maxSessionsPerUser: 1000,
    sessionsPerUserPerSecond: 1000,
    resumeBytesPerUser: 1e9,
    resumesAtOnce: 64,
    resumesAtOncePerUser: 8,
    expiryWarningMs: 60_000,
    clockToleranceMs: 5000,
    ...changes,
  }
  const ledger = createTestLedger(limits)
  const sessions = new Sessions({
    history: noHistory,
    feed,
    limits,
    ledger,
    revocations: new Revocations(),
    verify: () => Promise.resolve(everything),
  })
  const admission = new Admission({ ledger })
  await serveStream(app, {
    ...limits,
    sessions,
    forms: feed.forms,
    admission,
    allowedOrigins: '*',
    isReady: () => true,
    pingMs: 60_000,
    deflate: 'on',
    closeTimeoutMs: 200,
    log: app.log,
  })
  const address = await listen(app, { host: '127.0.0.1', port: 0 }, { host: '', port: '' })
  const stop = async (): Promise<void> => {
    await sessions.drain(0)
    await app.close()
  }
  return { app, feed, sessions, url: `ws://${address}/v1/stream`, stop }
}
