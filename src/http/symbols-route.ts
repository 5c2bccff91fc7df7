import { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { lackForFeed } from '../auth/grant.ts'
import type { TokenVerifier } from '../auth/token-verifier.ts'
import type { Feed } from '../fanout/feed.ts'
import type { Ledger } from '../limits/ledger.ts'
import { Refusal, sendAnswer } from './answer.ts'
import { authorize } from './authorization.ts'
import { takeFrom } from './ledger-share.ts'
import { symbolList } from './symbol-list.ts'

export interface SymbolsOptions {
  readonly feed: Feed
  readonly verify: TokenVerifier
  readonly ledger: Ledger
}

/** Serves `GET /v1/symbols`: which symbols have had events on which channels, as far as the token entitles. */
export function serveSymbols(app: FastifyInstance, { feed, verify, ledger }: SymbolsOptions): void {
  app.get('/v1/symbols', async (request, reply) => {
    const grant = await authorize(request.headers.authorization, { verify, scope: 'stream' })
    if (grant instanceof Refusal) return await sendAnswer(reply, grant)
    const lack = lackForFeed(grant, 'live')
    if (lack !== undefined) return await sendAnswer(reply, new Refusal(403, lack))
    const refusal = await takeFrom(ledger, { kind: 'listsPerUser', key: grant.subject, count: 1 })
    if (refusal !== undefined) return await sendAnswer(reply, refusal)
    const pieces = symbolList(feed.tape.items, grant)
    return await reply.type('application/json; charset=utf-8').send(Readable.from(pieces))
  })
}
