import fc from 'fast-check'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { TokenError } from '../../src/auth/token-error.ts'
import { createGrant } from '../support/defaults.ts'
import { type Pair, request, SessionFixture, startMs } from './session-fixture.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: startMs })
})
afterEach(() => {
  vi.useRealTimers()
})

const names = ['AAPL', 'MSFT', 'TSLA'] as const
const someNames = fc.uniqueArray(fc.constantFrom(...names, '*'), { minLength: 1 })

const steps = fc.oneof(
  fc.record({
    kind: fc.constant('auth'),
    subject: fc.constantFrom('ann', 'ann', 'ann', 'bob'),
    symbols: someNames,
    lifetimeS: fc.constantFrom(-1, 1, 30, 3600, 3600, 3600),
    delayMs: fc.constantFrom(0, 0, 700),
    isGood: fc.integer({ max: 9, min: 0 }).map(drawn => drawn > 0),
  }),
  fc.record({ kind: fc.constant('subscribe'), symbols: someNames, snapshot: fc.boolean() }),
  fc.record({ kind: fc.constant('unsubscribe'), symbols: someNames }),
  fc.record({ kind: fc.constant('wait'), ms: fc.constantFrom(300, 900, 20_000) }),
  fc.record({ kind: fc.constant('drained') }),
  fc.record({ kind: fc.constant('revoke') }),
)
type Step = typeof steps extends fc.Arbitrary<infer Value> ? Value : never

/**
 * What a client knows: the symbols its last good token allows, those it was last told of, and whether it is
 * over.
 */
class Client {
  readonly #pair: Pair
  allowed: readonly string[] = []
  told: readonly string[] = []
  /** By their `id`. */
  readonly asked = new Map<number, readonly string[]>()

  constructor(pair: Pair) {
    this.#pair = pair
  }

  /** Reads what has come: the symbols that the token or the subscription did not allow. */
  read(): string[] {
    const beyond: string[] = []
    for (const message of this.#pair.transport.take()) {
      const { T, msg, id, S, trades, events } = message
      if (msg === 'authenticated') this.allowed = this.asked.get(Number(id)) ?? []
      if (T === 'subscription') this.told = trades as string[]
      if (T === 't' && !(this.#isAllowed(String(S)) && this.#isTold(String(S)))) beyond.push(String(S))
      if (T !== 'snapshot') continue
      const inSnapshot = (events as { S: string }[]).map(event => event.S)
      beyond.push(...inSnapshot.filter(symbol => !this.#isAllowed(symbol)))
    }
    return beyond
  }

  #isAllowed(symbol: string): boolean {
    return this.allowed.includes('*') || this.allowed.includes(symbol)
  }

  #isTold(symbol: string): boolean {
    return this.told.includes('*') || this.told.includes(symbol)
  }
}

async function perform(
  step: Step,
  { session, transport }: Pair,
  fixture: SessionFixture,
  client: Client,
): Promise<void> {
  if (step.kind === 'auth' && 'isGood' in step) {
    const { subject, symbols, lifetimeS, delayMs, isGood } = step
    const id = client.asked.size + 1
    client.asked.set(id, symbols)
    const grant = createGrant({
      subject,
      symbols: symbols.includes('*') ? '*' : new Set(symbols),
      expiresAtMs: Date.now() + lifetimeS * 1000,
    })
    fixture.verify = () =>
      new Promise((resolve, reject) => {
        setTimeout(() => (isGood ? resolve(grant) : reject(new TokenError('signature', 'no'))), delayMs)
      })
    request(session, { action: 'auth', token: 'x', id })
  } else if ('snapshot' in step) {
    transport.hasRoom = !step.snapshot
    request(session, { action: 'subscribe', trades: step.symbols, snapshot: step.snapshot })
  } else if (step.kind === 'unsubscribe' && 'symbols' in step) {
    request(session, { action: 'unsubscribe', trades: step.symbols })
  } else if ('ms' in step) {
    await vi.advanceTimersByTimeAsync(step.ms)
  } else if (step.kind === 'drained') {
    transport.drained()
  } else {
    fixture.sessions.revoke({ tokens: { kind: 'sub', subject: 'bob' } })
  }
}

test('whatever a client does, it gets only what its token and subscription allow', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 5, maxLength: 40, size: 'max' }), async list => {
      const fixture = new SessionFixture({
        authTimeoutMs: 5000,
        expiryWarningMs: 1000,
        clockToleranceMs: 2000,
      })
      const pair = fixture.open()
      const client = new Client(pair)
      for (const step of list) {
        await perform(step, pair, fixture, client)
        await vi.advanceTimersByTimeAsync(1)
        for (const name of names) fixture.trade(name, 1)
        expect(client.read()).toEqual([])
        const { connected, verifying, live, renewing, ended } = fixture.sessions.feeds.first.states.websocket
        expect(connected + verifying + live + renewing).toBe(pair.session.state === 'ended' ? 0 : 1)
        expect(ended).toBe(0)
      }
      fixture.sessions.remove(pair.session)
      await vi.advanceTimersByTimeAsync(10_000)
      expect(fixture.feed.fanOut.audienceCount).toBe(0)
      // Both places are free again.
      await fixture.openLive()
      expect((await fixture.openLive()).session.state).toBe('live')
      await fixture.end()
    }),
    { numRuns: 1000 },
  )
})
