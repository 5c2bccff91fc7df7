import type { FastifyInstance } from 'fastify'
import { entitles, entitlesChannel, type Grant, lackForFeed } from '../auth/grant.ts'
import type { TokenVerifier } from '../auth/token-verifier.ts'
import { type Channel, channels } from '../event/event.ts'
import type { Feed } from '../fanout/feed.ts'
import { Refusal, sendAnswer } from './answer.ts'
import { authorize } from './authorization.ts'

export interface SymbolsOptions {
  readonly feed: Feed
  readonly verify: TokenVerifier
}

/** Serves `GET /v1/symbols`: which symbols have had events on which channels, as far as the token entitles. */
export function serveSymbols(app: FastifyInstance, { feed, verify }: SymbolsOptions): void {
  app.get('/v1/symbols', async (request, reply) => {
    const grant = await authorize(request.headers.authorization, { verify, scope: 'stream' })
    if (grant instanceof Refusal) return await sendAnswer(reply, grant)
    const lack = lackForFeed(grant, 'live')
    if (lack !== undefined) return await sendAnswer(reply, new Refusal(403, lack))
    return await reply.send({ symbols: listSymbols(feed, grant) })
  })
}

function listSymbols(feed: Feed, grant: Grant): { symbol: string; channels: Channel[] }[] {
  const bySymbol = new Map<string, Channel[]>()
  for (const channel of channels) {
    if (!entitlesChannel(grant, channel)) continue
    for (const symbol of feed.tape.items.of(channel).keys()) {
      if (symbol === '' || !entitles(grant.symbols, symbol)) continue
      const known = bySymbol.get(symbol)
      if (known === undefined) bySymbol.set(symbol, [channel])
      else known.push(channel)
    }
  }
  return [...bySymbol.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([symbol, itsChannels]) => ({ symbol, channels: itsChannels }))
}
