import type { FastifyInstance } from 'fastify'
import { AdminFault } from './admin-fault.ts'
import { parseDrain, parseRebalancing } from './admin-input.ts'
import type { AdminParts } from './administration.ts'
import type { Drain } from './drain.ts'
import { timeOf } from './time-of.ts'

/**
 * `POST /v1/drain` makes the node leave; `GET` says how far it is. `POST /v1/rebalance` sends a share of the sessions elsewhere, and
 * the node stays.
 */
export function serveDrain(app: FastifyInstance, { drain, sessions, record }: AdminParts): void {
  app.get('/v1/drain', (_request, reply) => reply.send(describe(drain)))
  app.post('/v1/drain', (request, reply) => {
    const withinMs = parseDrain(request.body)
    void drain.begin(withinMs)
    const described = describe(drain)
    record(request, 'drain begun', { drain: described })
    return reply.code(202).send(described)
  })
  app.post('/v1/rebalance', async (request, reply) => {
    const rebalancing = parseRebalancing(request.body, drain.defaultMs)
    if (drain.isBegun) throw new AdminFault(409, 'this node is leaving: all of its sessions are being closed')
    const described = { ...rebalancing, sessions: await sessions.rebalance(rebalancing) }
    record(request, 'sessions rebalanced', described)
    await reply.code(202).send(described)
  })
}

function describe({ facts: { sinceMs, ...rest } }: Drain): object {
  return { ...rest, since: sinceMs === undefined ? undefined : timeOf(sinceMs) }
}
