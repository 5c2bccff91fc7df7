import type { FastifyInstance } from 'fastify'
import { type Revocation, RevocationsFullError } from '../auth/revocations.ts'
import { AdminFault } from './admin-fault.ts'
import { parseNumber, parseRevocation, type RevocationInput } from './admin-input.ts'
import type { AdminParts } from './administration.ts'
import { timeOf } from './time-of.ts'

/** `POST /v1/revocations` withdraws tokens, `GET` lists what is withdrawn, `DELETE /v1/revocations/{number}` takes it back. */
export function serveRevocations(app: FastifyInstance, parts: AdminParts): void {
  const { revocations, record, now } = parts
  app.get('/v1/revocations', (_request, reply) =>
    reply.send({ revocations: revocations.list().map(describe) }),
  )
  app.post('/v1/revocations', async (request, reply) => {
    const input = parseRevocation(request.body, now())
    const { revocation, sessions } = await revoke(parts, input)
    const described = describe(revocation)
    record(request, 'tokens revoked', { revocation: described, sessions })
    await reply
      .code(201)
      .header('location', `/v1/revocations/${revocation.number}`)
      .send({ ...described, sessionsEnded: sessions })
  })
  app.delete('/v1/revocations/:number', (request, reply) => {
    const number = parseNumber(request.params)
    if (!revocations.lift(number)) {
      throw new AdminFault(404, `revocation ${number}: there is none; GET /v1/revocations lists them`)
    }
    record(request, 'revocation lifted', { revocation: number })
    return reply.send({ lifted: number })
  })
}

async function revoke(
  { sessions }: AdminParts,
  input: RevocationInput,
): Promise<Awaited<ReturnType<AdminParts['sessions']['revoke']>>> {
  try {
    return await sessions.revoke(input)
  } catch (error) {
    if (error instanceof RevocationsFullError) throw new AdminFault(409, error.message)
    throw error
  }
}

function describe({ number, tokens, sinceMs, untilMs, reason }: Revocation): object {
  const names = tokens.kind === 'sub' ? { sub: tokens.subject } : { jti: tokens.tokenId }
  return { number, ...names, since: timeOf(sinceMs), until: timeOf(untilMs), reason }
}
