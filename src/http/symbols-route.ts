import type { FastifyInstance, FastifyReply } from 'fastify'
import { bearerToken } from '../auth/bearer-token.ts'
import { entitles, entitlesChannel, type Grant } from '../auth/grant.ts'
import { TokenError } from '../auth/token-error.ts'
import { type Channel, channels } from '../event/event.ts'
import type { Feed } from '../fanout/feed.ts'

export interface SymbolsOptions {
  readonly feed: Feed
  readonly verify: (token: string) => Promise<Grant>
}

/** Serves `GET /v1/symbols`: which symbols have had events on which channels, as far as the token entitles. */
export function serveSymbols(app: FastifyInstance, { feed, verify }: SymbolsOptions): void {
  app.get('/v1/symbols', async (request, reply) => {
    const token = bearerToken(request.headers.authorization)
    if (token === undefined) return await refuse(reply, 'expected the header Authorization: Bearer TOKEN')
    try {
      const grant = await verify(token)
      if (!grant.scopes.has('stream')) {
        return await reply.code(403).send({ error: 'the token lacks the scope "stream"' })
      }
      return await reply.send({ symbols: listSymbols(feed, grant) })
    } catch (error) {
      if (!(error instanceof TokenError)) throw error
      if (error.reason === 'unavailable') {
        return await reply
          .code(503)
          .header('retry-after', '1')
          .send({ error: 'the token could not be checked' })
      }
      return await refuse(reply, `the token was refused: ${error.reason}`)
    }
  })
}

/** RFC 6750 §3: the challenge names the scheme. */
function refuse(reply: FastifyReply, error: string): FastifyReply {
  return reply.code(401).header('www-authenticate', 'Bearer').send({ error })
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
