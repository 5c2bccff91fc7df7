import { expect, test } from 'vitest'
import type { MarketEvent } from '../../src/event/event.ts'
import type { Audience, Subscriber } from '../../src/feed/fan-out/audience.ts'
import type { Feed } from '../../src/feed/feed.ts'
import type { Payload } from '../../src/wire/payload.ts'
import { TapeForm } from '../../src/wire/tape/tape-form.ts'
import { FormReader } from '../support/form-reader.ts'
import { Random } from '../support/random.ts'
import { createTestFeed } from '../support/defaults.ts'
import { Selection } from '../../src/feed/selection.ts'

const partition = { topic: 'market', partition: 0 }
const symbols = Array.from({ length: 40 }, (_, index) => `S${index}`)
const subscribers = 300
const flushes = 40
const most = 60

/** A subscriber reads each frame and gives it back, or keeps frames, as a full connection does, or leaves. */
type Manner = 'reads' | 'keeps' | 'leaves'

class Listener implements Subscriber {
  readonly wanted: ReadonlySet<string>
  audience: Audience | undefined
  readonly #manner: Manner
  readonly #feed: Feed
  readonly #frames: Payload[] = []
  readonly #messages: Record<string, unknown>[] = []
  readonly #reader = new FormReader()

  constructor(feed: Feed, wanted: readonly string[], manner: Manner) {
    this.#feed = feed
    this.wanted = new Set(wanted)
    this.#manner = manner
  }

  deliver(frame: Payload): 'done' | void {
    if (this.#manner !== 'keeps') {
      this.#read(frame)
      if (this.#manner === 'leaves' && this.audience !== undefined) {
        this.#feed.fanOut.leave(this, this.audience)
        this.audience = undefined
      }
      return 'done'
    }
    this.#frames.push(frame)
  }

  /** Everything that it was given. */
  messages(): readonly Record<string, unknown>[] {
    for (const frame of this.#frames.splice(0)) this.#read(frame)
    return this.#messages
  }

  #read(frame: Payload): void {
    this.#messages.push(...this.#reader.messagesOf(frame.bytes, frame.kind === 'binary'))
  }
}

test.each(['ticker.v1.json', 'ticker.v1.tape'])(
  'hundreds of audiences get what is theirs, whoever keeps frames or leaves: %s',
  name => {
    const random = new Random(11)
    const feed = createTestFeed()
    const form = feed.forms.find(each => each.name === name) ?? feed.forms[0]
    expect(form instanceof TapeForm).toBe(name === 'ticker.v1.tape')
    feed.advance({ partition, epoch: 'e', offset: 0 }, 0)
    const join = (wanted: readonly string[], manner: Manner): Listener => {
      const listener = new Listener(feed, wanted, manner)
      const audience = feed.fanOut.join(listener, new Selection(new Map([['trades', new Set(wanted)]])), form)
      // The tape form states first where coverage begins; there are no items yet.
      form.createDeltaBases?.().complete(
        () => undefined,
        [[0, 0]],
        frame => void listener.deliver(frame),
      )
      listener.audience = audience
      return listener
    }
    const listeners = Array.from({ length: subscribers }, (_, index) => {
      const wanted = symbols.filter(() => random.next() < 0.15)
      const manner = index % 7 === 0 ? 'keeps' : index % 50 === 1 ? 'leaves' : 'reads'
      return join(wanted.length === 0 ? ['S0'] : wanted, manner)
    })
    // Some want the same as others.
    const twins = listeners.slice(0, 20).map(({ wanted }) => join([...wanted], 'keeps'))
    const published: { readonly S: string; readonly i: number }[] = []
    for (let flush = 0; flush < flushes; flush++) {
      const count = 1 + Math.floor(random.next() * most)
      for (let event = 0; event < count; event++) {
        const i = published.length
        const trade = { S: random.pick(symbols), i }
        published.push(trade)
        const rest = { x: 'D', p: i / 100, s: 1, t: '2026-01-02T14:30:00Z', c: ['@'], z: 'C' }
        feed.add({ T: 't', ...trade, ...rest } satisfies MarketEvent, {
          partition: 0,
          offset: i,
          writtenMs: 0,
        })
      }
      feed.advance({ partition, epoch: 'e', offset: published.length }, published.length)
      feed.flush()
    }
    for (const listener of [...listeners, ...twins]) {
      const messages = listener.messages()
      const ids = messages.filter(({ T }) => T === 't').map(({ i }) => i)
      const wanted = published.filter(({ S }) => listener.wanted.has(S)).map(({ i }) => i)
      // Who left has everything up to then.
      expect(ids).toEqual(listener.audience === undefined ? wanted.slice(0, ids.length) : wanted)
      expect(ids.length).toBeGreaterThan(0)
      expectGapless(messages)
    }
  },
)

/** Each frame's coverage goes on where the last one ended. */
function expectGapless(messages: readonly Record<string, unknown>[]): void {
  let covered: number | undefined
  for (const { T, ranges } of messages) {
    if (T !== 'coverage') continue
    for (const [, from, to] of ranges as readonly (readonly [number, number, number])[]) {
      expect(from).toBe(covered ?? from)
      covered = to
    }
  }
}
