import Fastify, { type FastifyInstance } from 'fastify'
import type { Grant } from '../../src/auth/grant.ts'
import type { Feed } from '../../src/feed/feed.ts'
import { listen } from '../../src/app/listeners.ts'
import { Revocations } from '../../src/auth/revocations.ts'
import type { SessionLimits } from '../../src/session/session-context.ts'
import { noHistory } from './no-history.ts'
import { Sessions } from '../../src/session/sessions.ts'
import { HandshakeAdmission } from '../../src/transport/handshake-admission.ts'
import { serveStream } from '../../src/transport/websocket/stream-route.ts'
import { createTestFeed, defaultLimits, defaults, overrides } from './defaults.ts'
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
  const feed = createTestFeed()
  const limits = {
    ...defaultLimits,
    ...overrides.bareStream,
    ...changes,
  }
  const quotas = createTestLedger(limits)
  const sessions = new Sessions({
    history: noHistory,
    feed,
    limits,
    quotas,
    revocations: new Revocations(),
    verify: () => Promise.resolve(everything),
  })
  const admission = new HandshakeAdmission({ quotas })
  await serveStream(app, {
    ...defaults.limits,
    ...limits,
    sessions,
    forms: feed.forms,
    admission,
    allowedOrigins: '*',
    isReady: () => true,
    closeTimeoutMs: 200,
    log: app.log,
  })
  const address = await listen(app, { host: '127.0.0.1', port: 0 }, { what: '', host: '', port: '' })
  const stop = async (): Promise<void> => {
    await sessions.drain(0)
    await app.close()
  }
  return { app, feed, sessions, url: `ws://${address}/v1/stream`, stop }
}
