import fc from 'fast-check'
import type { Channel } from '../../../../src/event/event.ts'
import { defaults } from '../../../support/defaults.ts'

export const symbols = ['A', 'B', 'C'] as const

/** The feeds of a node, with their delays. */
export const feedDelaysMs = { live: 0, delayed: 1000 } as const
export type FeedName = keyof typeof feedDelaysMs

/** What is published; its place, but for news, follows from its symbol. */
const published = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('trade'), symbol: fc.constantFrom(...symbols), size: sizeOf() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('quote'), symbol: fc.constantFrom(...symbols), size: sizeOf() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('news'),
      symbols: fc.uniqueArray(fc.constantFrom(...symbols), { maxLength: 2 }),
      place: fc.nat(3),
    }),
  },
  { weight: 1, arbitrary: passedOver() },
)

/** A record that is no event. */
function passedOver(): fc.Arbitrary<{ readonly kind: 'none'; readonly place: number }> {
  return fc.record({ kind: fc.constant('none'), place: fc.nat(3) })
}

/** Of some events frames hold only a few. */
function sizeOf(): fc.Arbitrary<number> {
  return fc.oneof({ weight: 12, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.constant(30_000) })
}

/** The filters that a request states, by channel; `null` removes one. */
export type Where = Readonly<Record<string, object | null>>

const client = fc.nat(2)
const node = fc.nat(1)
/** The last one is there once its topic has grown. */
const place = fc.nat(3)
const item = fc.record({
  channel: fc.constantFrom<Channel>('trades', 'quotes', 'news'),
  symbol: fc.constantFrom('*', ...symbols),
})
const step = <Kind extends string, Fields>(
  kind: Kind,
  fields: { readonly [Name in keyof Fields]: fc.Arbitrary<Fields[Name]> },
): fc.Arbitrary<Fields & { readonly action: Kind }> =>
  fc.record<Fields>(fields).map(values => ({ ...values, action: kind }))

/** What a client leaves out of its cursor. */
const forgets = fc.constantFrom('nothing', 'nothing', 'nothing', 'news', 'everything')

/** The feed that a client goes on with. */
const feed = fc.constantFrom<FeedName>('live', 'live', 'delayed')

const publish = step('publish', {
  records: fc.array(published, { minLength: 1, maxLength: 8 }),
  readers: fc.constantFrom([0], [0, 1], [0, 1]),
})
/** Reads that bring no event: a transaction's end, or what a decoder passes over. */
const publishNone = step('publish', {
  records: fc.array(passedOver(), { minLength: 1, maxLength: 2 }),
  readers: fc.constantFrom([0], [0, 1]),
})
/** Few of them, so that clients share audiences; one that every event passes, and one that none does. */
const where = fc.constantFrom<Where>(
  {},
  {},
  {},
  { trades: { s: { gte: 3 } } },
  { trades: { any: [{ s: { eq: 1 } }, { s: { gt: 2 } }] } },
  { trades: { s: { gt: 0 } } },
  { trades: null, quotes: null, news: null },
  { quotes: { bs: { lt: 3 } } },
  { quotes: { bs: { in: [2, 4] } }, trades: { s: { lt: 0 } } },
  { quotes: null, news: { symbols: { has: 'A' } } },
)
const subscribe = step('subscribe', {
  client,
  where,
  items: fc.array(item, { minLength: 1, maxLength: 3 }),
  snapshot: fc.boolean(),
})
const stall = step('stall', { client, ballast: fc.constantFrom(0, 200_000, 200_000) })
const trickle = step('trickle', { client, frames: fc.integer({ min: 1, max: 4 }) })

/** One thing that happens to the log, to a node or to a client. */
const single = fc.oneof(
  { weight: 12, arbitrary: publish },
  { weight: 4, arbitrary: publishNone },
  { weight: 2, arbitrary: step('read', { node, place, atMost: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 4, arbitrary: subscribe },
  { weight: 1, arbitrary: step('unsubscribe', { client, item }) },
  { weight: 3, arbitrary: stall },
  { weight: 3, arbitrary: trickle },
  { weight: 3, arbitrary: step('drain', { client }) },
  { weight: 1, arbitrary: step('freeze', { client }) },
  { weight: 1, arbitrary: step('thaw', { client }) },
  { weight: 3, arbitrary: step('reconnect', { client, node, forgets, feed }) },
  { weight: 1, arbitrary: step('retain', { place, left: fc.nat(8), isGone: fc.boolean() }) },
  { weight: 1, arbitrary: step('compact', { place, from: fc.nat(20), count: fc.nat(8) }) },
  { weight: 1, arbitrary: step('grow', { topic: fc.constantFrom('news') }) },
  { weight: 1, arbitrary: step('cut', { place, by: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 1, arbitrary: step('recreate', { topic: fc.constantFrom('market', 'news') }) },
  { weight: 1, arbitrary: step('restart', { node, isHeard: fc.boolean() }) },
  { weight: 6, arbitrary: step('wait', { ms: fc.constant(defaults.limits.flushDelayMs) }) },
  { weight: 2, arbitrary: step('wait', { ms: fc.constantFrom(100, 5001, 12_000, 61_000) }) },
  { weight: 1, arbitrary: step('turns', { count: fc.integer({ min: 1, max: 40 }) }) },
)
export type Step = typeof single extends fc.Arbitrary<infer Value> ? Value : never
export type Published = typeof published extends fc.Arbitrary<infer Value> ? Value : never

/** A client that is behind gets a little, and wants more: by chance alone that is rare. */
const wantsMore = fc
  .tuple(client, stall, publish, trickle, step('turns', { count: fc.nat(5) }), subscribe)
  .map(([of, ...steps]): Step[] => steps.map(each => ('client' in each ? { ...each, client: of } : each)))

export const stepLists = fc
  .array(
    fc.oneof({ weight: 12, arbitrary: single.map(each => [each]) }, { weight: 1, arbitrary: wantsMore }),
    { minLength: 1, maxLength: 60, size: 'max' },
  )
  .map(lists => lists.flat())

const policy = fc.constantFrom<Readonly<Record<string, string>>>(
  {},
  {},
  { quotes: 'every' },
  { trades: 'conflate' },
)

const overWebsocket = fc.record({
  transport: fc.constant('websocket' as const),
  isAcknowledging: fc.boolean(),
  form: fc.constantFrom('ticker.v1.json', 'ticker.v1.tape'),
})
const overSse = fc.constant({
  transport: 'sse' as const,
  isAcknowledging: false,
  form: 'ticker.v1.json',
})

export const anySettings = fc.record({
  /** Of each node. */
  windowBytes: fc.constantFrom(1, 40_000, 16_777_216),
  /** Of each node, which is to know up to ten. */
  maxItems: fc.constantFrom(1, 3, 6, 200_000),
  clients: fc.array(
    fc
      .record({
        policy,
        conflateMs: fc.constantFrom(0, 0, 100, 250, 5000),
        connection: fc.oneof({ weight: 3, arbitrary: overWebsocket }, { weight: 1, arbitrary: overSse }),
      })
      .map(({ connection, ...rest }) => ({ ...rest, ...connection })),
    { minLength: 3, maxLength: 3 },
  ),
})
export type Settings = typeof anySettings extends fc.Arbitrary<infer Value> ? Value : never
