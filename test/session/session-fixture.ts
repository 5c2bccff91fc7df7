import { vi } from 'vitest'
import type { Grant } from '../../src/auth/grant.ts'
import { Revocations } from '../../src/auth/revocations.ts'
import type { Feed } from '../../src/feed/feed.ts'
import type { Session } from '../../src/session/session.ts'
import type { SessionLimits } from '../../src/session/session-context.ts'
import type { FeedSource } from '../../src/session/session-feed.ts'
import type { Sessions, SessionsOptions } from '../../src/session/sessions.ts'
import { FakeTransport } from './fake-transport.ts'
import {
  createGrant,
  createTestFeed,
  createTestSessions,
  defaultLimits,
  overrides,
} from '../support/defaults.ts'
import type { NodeLimits } from '../../src/limits/node-quotas.ts'

export const startMs = 1_800_000_000_000

export interface Pair {
  readonly session: Session
  readonly transport: FakeTransport
}

export type SessionFixtureOptions = Partial<Pick<SessionsOptions, 'isShort' | 'clock'> & FeedSource>

/** Sessions over fake connections, on a clock that stands until the test moves it. */
export class SessionFixture {
  readonly feed: Feed
  readonly revocations = new Revocations()
  readonly sessions: Sessions
  readonly limits: SessionLimits & NodeLimits
  /** The wire form of the next clients. */
  form = 'ticker.v1.json'
  /** Verifies tokens; a test may replace it. */
  verify: (token: string) => Promise<Grant> = () => Promise.resolve(createGrant())

  constructor(
    changes: Partial<SessionLimits> = {},
    { feed = createTestFeed(), ...options }: SessionFixtureOptions = {},
  ) {
    this.feed = feed
    this.limits = {
      ...defaultLimits,
      ...overrides.sessions,
      ...changes,
    }
    this.sessions = createTestSessions(this.limits, {
      feed,
      revocations: this.revocations,
      verify: token => this.verify(token),
      random: () => 0.5,
      ...options,
    })
  }

  open(ageMs = 0): Pair {
    const transport = new FakeTransport(this.feed.forms.find(({ name }) => name === this.form))
    return { session: this.sessions.open(transport, { address: '192.0.2.1', ageMs }), transport }
  }

  async openLive(changes: Partial<Grant> = {}): Promise<Pair> {
    const pair = this.open()
    this.verify = () => Promise.resolve(createGrant(changes))
    request(pair.session, { action: 'auth', token: 'x' })
    await vi.advanceTimersByTimeAsync(0)
    pair.transport.take()
    return pair
  }

  /** Sends a further token of these claims, whose check the caller awaits. */
  renew(session: Session, changes: Partial<Grant>): void {
    this.verify = () => Promise.resolve(createGrant(changes))
    request(session, { action: 'auth', token: 'y', id: 'renewal' })
  }

  /** A trade of a symbol, delivered at once. */
  trade(symbol: string, price: number): void {
    this.feed.add(
      { T: 't', S: symbol, p: price, s: 1, t: '2026-01-02T14:30:00Z' },
      { partition: 0, offset: 0, writtenMs: 0 },
    )
    this.feed.flush()
  }

  async end(): Promise<void> {
    const drained = this.sessions.drain(0)
    await vi.advanceTimersByTimeAsync(1000)
    await drained
  }
}

export function request(session: Session, message: object): void {
  session.receive(JSON.stringify(message))
}

/** The kinds of messages: an error's code, a success's text, or the type. */
export const kindsOf = (messages: readonly Record<string, unknown>[]): unknown[] =>
  messages.map(({ T, msg, code }) => code ?? msg ?? T)
