import { beforeEach, describe, expect, test } from 'vitest'
import { type DemoFeed, startDemoFeed } from '../../src/demo/demo-feed.ts'
import { createDemoMarket } from '../../src/demo/demo-market.ts'
import type { MarketEvent } from '../../src/event/event.ts'
import type { AppendResult } from '../../src/log/event-log.ts'
import { TickerError } from '../../src/diagnostics/ticker-error.ts'
import { startMs } from './demo-session.ts'
import { clockOf } from '../support/test-clock.ts'

const seed = 6
const position = { partition: { topic: 'market.trades', partition: 0 }, epoch: '', offset: 0 }

class AppendError extends TickerError {
  readonly code = 'TICKER_TEST_APPEND'
}

/** A log whose appends end when the test says so. */
class FakeLog {
  readonly appends: (readonly MarketEvent[])[] = []
  #pending: PromiseWithResolvers<readonly AppendResult[]> | undefined
  #size = 0

  append(events: readonly MarketEvent[]): Promise<readonly AppendResult[]> {
    if (this.#pending !== undefined) throw new AppendError('a second append before the first one ended')
    this.appends.push(events)
    this.#size = events.length
    this.#pending = Promise.withResolvers()
    return this.#pending.promise
  }

  /** Ends the append under way; the first `failed` events were not taken. */
  async settle(failed = 0): Promise<void> {
    const error = new AppendError('refused')
    this.#take().resolve(
      Array.from({ length: this.#size }, (_, index) => (index < failed ? { error } : { position })),
    )
    await afterReactions()
  }

  async fail(cause: unknown): Promise<void> {
    this.#take().reject(cause)
    await afterReactions()
  }

  get events(): readonly MarketEvent[] {
    return this.appends.flat()
  }

  #take(): PromiseWithResolvers<readonly AppendResult[]> {
    const pending = this.#pending!
    this.#pending = undefined
    return pending
  }
}

/** The feed reacts to a settled append within some microtasks, all of which run before the next turn. */
function afterReactions(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

let nowMs = startMs
let log = new FakeLog()
let warnings: { readonly fields: object; readonly message: string }[] = []
let tick: () => void = () => undefined
let isCancelled = false

function start(): DemoFeed {
  return startDemoFeed({
    log,
    market: createDemoMarket({ seed, startMs }),
    logger: { warn: (fields, message) => warnings.push({ fields, message }) },
    clock: clockOf(() => nowMs),
    every: (_, run) => {
      tick = run
      return () => {
        isCancelled = true
        tick = () => undefined
      }
    },
  })
}

function tickAfter(ms: number): void {
  nowMs += ms
  tick()
}

beforeEach(() => {
  nowMs = startMs
  log = new FakeLog()
  warnings = []
  isCancelled = false
})

test('appends the market as time goes by, in order and whole', async () => {
  const feed = start()
  for (let step = 0; step < 200; step++) {
    tickAfter(10)
    await log.settle()
  }
  const events = createDemoMarket({ seed, startMs }).advance(startMs + 2000)
  expect(log.events).toEqual(events)
  expect(feed.stats).toEqual({ appended: events.length, failed: 0, skips: 0, skippedMs: 0 })
})

test('appends nothing while no time passes', () => {
  start()
  tickAfter(0)
  tickAfter(-5000)
  expect(log.appends).toEqual([])
})

test('has one append under way, and makes up for it in the next', async () => {
  start()
  tickAfter(10)
  for (let step = 0; step < 90; step++) tickAfter(10)
  expect(log.appends).toHaveLength(1)
  await log.settle()
  tickAfter(10)
  expect(log.appends).toHaveLength(2)
  expect(log.events).toEqual(createDemoMarket({ seed, startMs }).advance(startMs + 920))
})

test('skips a stall of more than a second instead of making up for it', async () => {
  const feed = start()
  tickAfter(1000)
  await log.settle()
  tickAfter(60_000)
  const beforeStall = log.events.length
  expect(feed.stats).toMatchObject({ skips: 1, skippedMs: 60_000 })
  if (log.appends.length > 1) await log.settle()
  tickAfter(500)
  const after = log.events.slice(beforeStall)
  const resumed = new Date(startMs + 61_000).toISOString().slice(0, -1)
  const trades = after.filter(event => event.T === 't')
  expect(trades.length).toBeGreaterThan(10)
  expect(trades.every(({ t }) => t >= resumed)).toBe(true)
  expect(feed.stats.skips).toBe(1)
})

describe('a log that fails', () => {
  test('costs the events of that append, and the feed goes on', async () => {
    const feed = start()
    tickAfter(100)
    const lost = log.events.length
    await log.fail(new Error('no space'))
    tickAfter(100)
    await log.settle()
    expect(feed.stats).toMatchObject({ appended: log.events.length - lost, failed: lost })
    expect(warnings).toEqual([
      {
        fields: { err: expect.objectContaining({ message: 'no space' }), events: lost },
        message: 'the log did not take events of the demo feed',
      },
    ])
  })

  test('by throwing costs no more', async () => {
    const feed = start()
    tickAfter(100)
    tickAfter(100)
    const { length } = log.events
    log.append = () => {
      throw new Error('closed')
    }
    await log.settle()
    tickAfter(100)
    await afterReactions()
    expect(feed.stats.appended).toBe(length)
    expect(feed.stats.failed).toBeGreaterThan(0)
  })

  test('for some events is counted for these', async () => {
    const feed = start()
    tickAfter(100)
    await log.settle(3)
    expect(feed.stats).toMatchObject({ appended: log.events.length - 3, failed: 3 })
    expect(warnings[0]?.fields).toEqual({ err: expect.any(AppendError), events: 3 })
  })

  test('for long is logged once in ten seconds', async () => {
    start()
    for (let step = 0; step < 101; step++) {
      tickAfter(100)
      await log.fail(new Error('no space'))
    }
    expect(warnings).toHaveLength(2)
    expect(warnings[1]?.fields).toMatchObject({ suppressed: 99 })
  })
})

describe('stop', () => {
  test('waits for the append under way, and nothing follows', async () => {
    const feed = start()
    tickAfter(10)
    const first = Promise.race([feed.stop().then(() => 'stopped'), afterReactions().then(() => 'waiting')])
    expect(await first).toBe('waiting')
    expect(isCancelled).toBe(true)
    await log.settle()
    await feed.stop()
    tickAfter(10)
    expect(log.appends).toHaveLength(1)
    expect(feed.stats.appended).toBe(log.events.length)
  })

  test('of an idle feed ends at once, twice as well', async () => {
    const feed = start()
    await feed.stop()
    await feed.stop()
    expect(isCancelled).toBe(true)
  })
})

test('runs by itself on the real clock and timer', async () => {
  const appended = Promise.withResolvers<readonly MarketEvent[]>()
  const feed = startDemoFeed({
    log: {
      append: events => {
        appended.resolve(events)
        return Promise.resolve(events.map(() => ({ position })))
      },
    },
    market: createDemoMarket({ seed, startMs: Date.now() }),
    logger: { warn: () => undefined },
  })
  const [first] = await appended.promise
  await feed.stop()
  expect(first).toMatchObject({ T: 's', sc: 'T', S: 'AAPL' })
})
