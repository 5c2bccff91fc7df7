import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { lackForFeed } from '../auth/grant.ts'
import type { TokenVerifier } from '../auth/token-verifier.ts'
import type { Feed } from '../fanout/feed.ts'
import { RateLimit } from '../limits/rate-limit.ts'
import { Refusal, refuseForNow, sendAnswer } from './answer.ts'
import { authorize } from './authorization.ts'
import { symbolList } from './symbol-list.ts'

export interface SymbolsOptions {
  readonly feed: Feed
  readonly verify: TokenVerifier
}

/** Lists that a user may ask for: two a second, twenty at once. */
const userRate = { perSecond: 2, burstMs: 10_000 }

/** Serves `GET /v1/symbols`: which symbols have had events on which channels, as far as the token entitles. */
export function serveSymbols(app: FastifyInstance, { feed, verify }: SymbolsOptions): void {
  const rate = new RateLimit(userRate)
  app.get('/v1/symbols', async (request, reply) => {
    const grant = await authorize(request.headers.authorization, { verify, scope: 'stream' })
    if (grant instanceof Refusal) return await sendAnswer(reply, grant)
    const lack = lackForFeed(grant, 'live')
    if (lack !== undefined) return await sendAnswer(reply, new Refusal(403, lack))
    const waitMs = rate.take(grant.subject, 1, performance.now())
    if (waitMs > 0) {
      const error = `more than ${userRate.perSecond} lists a second of one user`
      return await sendAnswer(reply, refuseForNow(429, error, Math.ceil(waitMs / 1000)))
    }
    const pieces = symbolList(feed.tape.items, grant)
    return await reply.type('application/json; charset=utf-8').send(Readable.from(pieces))
  })
}
