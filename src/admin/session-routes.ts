import type { FastifyInstance } from 'fastify'
import type { SessionFacts } from '../session/session-facts.ts'
import { AdminFault } from './admin-fault.ts'
import { parseNumber, parseSessionsQuery } from './admin-input.ts'
import type { AdminParts } from './administration.ts'
import { timeOf } from './time-of.ts'

/** `GET /v1/sessions`: who is connected; `DELETE /v1/sessions/{number}` ends one. */
export function serveSessions(app: FastifyInstance, { sessions, record }: AdminParts): void {
  app.get('/v1/sessions', async (request, reply) => {
    const page = await sessions.list(parseSessionsQuery(request.query))
    await reply.send({ ...page, sessions: page.sessions.map(describe) })
  })
  app.delete('/v1/sessions/:number', async (request, reply) => {
    const number = parseNumber(request.params)
    if (!(await sessions.end(number))) {
      throw new AdminFault(404, `session ${number}: there is none on this node; GET /v1/sessions lists them`)
    }
    record(request, 'session ended', { session: number })
    await reply.send({ ended: number })
  })
}

/** With times as text, and the user under the name of the claim. */
function describe(facts: SessionFacts): object {
  const { subject, tokenId, sinceMs, expiresAtMs, lastMessageMs, ...rest } = facts
  return {
    ...rest,
    sub: subject,
    jti: tokenId,
    since: timeOf(sinceMs),
    expiresAt: expiresAtMs === undefined ? undefined : timeOf(expiresAtMs),
    lastMessageAt: lastMessageMs === undefined ? undefined : timeOf(lastMessageMs),
  }
}
