import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import { type Grant, entitles, entitlesChannel, missingForFeed } from '../auth/grant.ts'
import type { TokenVerifier } from '../auth/token-verifier.ts'
import { type Channel, channels } from '../event/event.ts'
import type { Feed } from '../feed/feed.ts'
import type { FeedDirectory } from '../feed/feed-directory.ts'
import type { Items } from '../feed/last-values/items.ts'
import type { NodeQuotas } from '../limits/node-quotas.ts'
import { Refusal, sendAnswer } from './answer.ts'
import { authorize, reserveQuota } from './request-checks.ts'

interface SymbolsOptions {
  readonly feeds: FeedDirectory<Feed>
  readonly verify: TokenVerifier
  readonly quotas: NodeQuotas
}

/**
 * Serves `GET /v1/symbols`: the symbols with events, by channel, as far as the token entitles; of the feed in
 * the query, or the first.
 */
export function serveSymbols(app: FastifyInstance, { feeds, verify, quotas }: SymbolsOptions): void {
  app.get('/v1/symbols', async (request, reply) => {
    const grant = await authorize(request.headers.authorization, { verify, scope: 'stream' })
    if (grant instanceof Refusal) return await sendAnswer(reply, grant)
    const feed = findFeed(feeds, request.query)
    if (feed instanceof Refusal) return await sendAnswer(reply, feed)
    const refusalReason = missingForFeed(grant, feed.name)
    if (refusalReason !== undefined) return await sendAnswer(reply, new Refusal(403, refusalReason))
    const refusal = await reserveQuota(quotas, { kind: 'listsPerUser', key: grant.subject, count: 1 })
    if (refusal !== undefined) return await sendAnswer(reply, refusal)
    const pieces = symbolList(feed.lastValues.items, grant)
    return await reply.type('application/json; charset=utf-8').send(Readable.from(pieces))
  })
}

/** An absent `feed` is the first feed, also for queries with members of other programs. */
function findFeed(feeds: FeedDirectory<Feed>, query: unknown): Feed | Refusal {
  const name = typeof query === 'object' && query !== null && 'feed' in query ? query.feed : undefined
  if (name !== undefined && typeof name !== 'string') return new Refusal(400, 'feed: expected one name')
  return feeds.find(name) ?? new Refusal(400, feeds.explainUnknown(name ?? ''))
}

/** Symbols examined or written in one turn of the event loop: about a millisecond. */
const perTurn = 1000

/**
 * Yields the symbols with events, by channel, as far as a token entitles, as parts of one JSON text. Each
 * turn of the event loop makes a little: a list of 200,000 items would delay deliveries by a fifth of a
 * second.
 */
export async function* symbolList(items: Items, grant: Grant): AsyncGenerator<string, void> {
  const entitled = channels.filter(channel => entitlesChannel(grant, channel))
  let part = '{"symbols":['
  let isFirst = true
  let count = 0
  for (const symbol of sorted(await collect(items, entitled, grant))) {
    const itsChannels = entitled.filter(channel => items.find(channel, symbol) !== undefined)
    part += `${isFirst ? '' : ','}${JSON.stringify({ symbol, channels: itsChannels })}`
    isFirst = false
    if (++count % perTurn > 0) continue
    yield part
    part = ''
    await nextTurn()
  }
  yield `${part}]}`
}

/** Returns the symbols, each once, in sorted parts. */
async function collect(items: Items, entitled: readonly Channel[], { symbols }: Grant): Promise<string[][]> {
  const parts: string[][] = []
  let part: string[] = []
  let count = 0
  for (const [index, channel] of entitled.entries()) {
    const former = entitled.slice(0, index)
    for (const symbol of symbols === '*' ? items.of(channel).keys() : symbols) {
      const isNew = items.find(channel, symbol) !== undefined && !isKnown(items, former, symbol)
      if (isNew && symbol !== '' && entitles(symbols, symbol)) part.push(symbol)
      if (++count % perTurn > 0) continue
      parts.push(part.toSorted())
      part = []
      await nextTurn()
    }
  }
  return [...parts, part.toSorted()]
}

function isKnown(items: Items, among: readonly Channel[], symbol: string): boolean {
  return among.some(channel => items.find(channel, symbol) !== undefined)
}

/** Merges sorted parts lazily: sorting one long list would take too long at a time. */
function* sorted(parts: readonly string[][]): Generator<string, void> {
  const middle = Math.ceil(parts.length / 2)
  if (parts.length > 1) yield* merged(sorted(parts.slice(0, middle)), sorted(parts.slice(middle)))
  else yield* parts[0] ?? []
}

function* merged(left: Iterator<string>, right: Iterator<string>): Generator<string, void> {
  let a = left.next()
  let b = right.next()
  while (a.done !== true || b.done !== true) {
    if (b.done === true || (a.done !== true && a.value <= b.value)) {
      yield String(a.value)
      a = left.next()
    } else {
      yield b.value
      b = right.next()
    }
  }
}
