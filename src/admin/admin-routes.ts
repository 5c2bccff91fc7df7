import type { FastifyInstance, FastifyRequest } from 'fastify'
import {
  type Revocation,
  type RevocationRequest,
  type Revocations,
  RevocationsFullError,
} from '../auth/revocations.ts'
import type { SessionFacts } from '../session/session-facts.ts'
import type { Rebalancing, SessionPage, SessionQuery } from '../session/sessions.ts'
import type { Clock } from '../system/clock.ts'
import { AdminFault } from './admin-fault.ts'
import {
  type RevocationInput,
  parseDrain,
  parseNumber,
  parseRebalancing,
  parseRevocation,
  parseSessionsQuery,
} from './admin-input.ts'
import type { Drain } from './drain.ts'

/** A value, or a promise of one where other processes have to be asked. */
type MaybePromise<Value> = Value | Promise<Value>

/** The sessions of a node, in this process or in several. Each method may reject with an `AdminFault`. */
export interface AdministeredSessions {
  list(query: SessionQuery): MaybePromise<SessionPage>
  /** Returns whether there was a session of this number. */
  end(number: number): MaybePromise<boolean>
  /** Closes a share of the sessions as a drain does. Returns their number. */
  rebalance(rebalancing: Rebalancing): MaybePromise<number>
  /** Throws, or rejects with, a `RevocationsFullError`. */
  revoke(request: RevocationRequest): MaybePromise<RevocationResult>
}

interface RevocationResult {
  readonly revocation: Revocation
  /** How many sessions it ended. */
  readonly sessions: number
}

/** Logs an action of an administrator. */
export type RecordAction = (request: FastifyRequest, action: string, fields: object) => void

/** The parts that the routes use. */
export interface AdminParts {
  readonly sessions: AdministeredSessions
  /** The names of the node's feeds. */
  readonly feeds: readonly string[]
  readonly revocations: Pick<Revocations, 'list' | 'lift'>
  readonly drain: Drain
  readonly clock: Clock
  readonly record: RecordAction
}

/** `GET /v1/sessions` lists sessions; `DELETE /v1/sessions/{number}` ends one. */
export function serveSessions(app: FastifyInstance, { sessions, feeds, record }: AdminParts): void {
  app.get('/v1/sessions', async (request, reply) => {
    const page = await sessions.list(parseSessionsQuery(request.query, feeds))
    await reply.send({ ...page, sessions: page.sessions.map(describeSession) })
  })
  app.delete('/v1/sessions/:number', async (request, reply) => {
    const number = parseNumber(request.params)
    if (!(await sessions.end(number))) {
      throw new AdminFault(404, `this node has no session ${number}; GET /v1/sessions lists them`)
    }
    record(request, 'session ended', { session: number })
    await reply.send({ ended: number })
  })
}

/** Times become text; `subject` becomes `sub`, and `tokenId` becomes `jti`, as in a token. */
function describeSession(facts: SessionFacts): object {
  const { subject, tokenId, sinceMs, expiresAtMs, lastMessageMs, ...rest } = facts
  return {
    ...rest,
    sub: subject,
    jti: tokenId,
    since: rfc3339Of(sinceMs),
    expiresAt: expiresAtMs === undefined ? undefined : rfc3339Of(expiresAtMs),
    lastMessageAt: lastMessageMs === undefined ? undefined : rfc3339Of(lastMessageMs),
  }
}

/**
 * `POST /v1/revocations` withdraws tokens, `GET` lists revocations, `DELETE /v1/revocations/{number}` lifts
 * one.
 */
export function serveRevocations(app: FastifyInstance, parts: AdminParts): void {
  const { revocations, record, clock } = parts
  app.get('/v1/revocations', (_request, reply) =>
    reply.send({ revocations: revocations.list().map(describeRevocation) }),
  )
  app.post('/v1/revocations', async (request, reply) => {
    const input = parseRevocation(request.body, clock.wall())
    const { revocation, sessions } = await revoke(parts, input)
    const described = describeRevocation(revocation)
    record(request, 'tokens revoked', { revocation: described, sessions })
    await reply
      .code(201)
      .header('location', `/v1/revocations/${revocation.number}`)
      .send({ ...described, sessionsEnded: sessions })
  })
  app.delete('/v1/revocations/:number', (request, reply) => {
    const number = parseNumber(request.params)
    if (!revocations.lift(number)) {
      throw new AdminFault(404, `there is no revocation ${number}; GET /v1/revocations lists them`)
    }
    record(request, 'revocation lifted', { revocation: number })
    return reply.send({ lifted: number })
  })
}

async function revoke({ sessions }: AdminParts, input: RevocationInput): Promise<RevocationResult> {
  try {
    return await sessions.revoke(input)
  } catch (error) {
    if (error instanceof RevocationsFullError) throw new AdminFault(409, error.message)
    throw error
  }
}

function describeRevocation({ number, tokens, sinceMs, untilMs, reason }: Revocation): object {
  const names = tokens.kind === 'sub' ? { sub: tokens.subject } : { jti: tokens.tokenId }
  return { number, ...names, since: rfc3339Of(sinceMs), until: rfc3339Of(untilMs), reason }
}

/**
 * `POST /v1/drain` makes the node leave; `GET` reports its progress. `POST /v1/rebalance` closes a share of
 * the sessions, and the node stays.
 */
export function serveDrain(app: FastifyInstance, { drain, sessions, record }: AdminParts): void {
  app.get('/v1/drain', (_request, reply) => reply.send(describeDrain(drain)))
  app.post('/v1/drain', (request, reply) => {
    const withinMs = parseDrain(request.body)
    void drain.begin(withinMs)
    const described = describeDrain(drain)
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

function describeDrain({ facts: { sinceMs, ...rest } }: Drain): object {
  return { ...rest, since: sinceMs === undefined ? undefined : rfc3339Of(sinceMs) }
}

const latestMs = 8.64e15

/** Formats ms since 1970 in RFC 3339, capped at the last time that a `Date` can hold. */
function rfc3339Of(ms: number): string {
  return new Date(Math.min(ms, latestMs)).toISOString()
}
