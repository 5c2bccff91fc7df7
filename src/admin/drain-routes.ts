import type { FastifyInstance } from 'fastify'
import { parseDrain } from './admin-input.ts'
import type { AdminParts } from './administration.ts'
import type { Drain } from './drain.ts'
import { timeOf } from './time-of.ts'

/** `POST /v1/drain` makes the node leave; `GET` says how far it is. */
export function serveDrain(app: FastifyInstance, { drain, record }: AdminParts): void {
  app.get('/v1/drain', (_request, reply) => reply.send(describe(drain)))
  app.post('/v1/drain', (request, reply) => {
    const withinMs = parseDrain(request.body)
    void drain.begin(withinMs)
    const described = describe(drain)
    record(request, 'drain begun', { drain: described })
    return reply.code(202).send(described)
  })
}

function describe({ facts: { sinceMs, ...rest } }: Drain): object {
  return { ...rest, since: sinceMs === undefined ? undefined : timeOf(sinceMs) }
}
