import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Revocation, RevocationRequest, Revocations } from '../auth/revocations.ts'
import { RateLimitedLog } from '../diagnostics/rate-limited-log.ts'
import type { Secret } from '../diagnostics/secret.ts'
import type { Rebalancing, SessionPage, SessionQuery } from '../session/sessions.ts'
import { type AdminCounts, countAnswer, createAdminCounts } from './admin-counts.ts'
import { AdminFault } from './admin-fault.ts'
import { AdminGuard } from './admin-guard.ts'
import { serveDrain, serveRevocations, serveSessions } from './admin-routes.ts'
import type { Drain } from './drain.ts'

/** Something, at once or, where other processes have to be asked, later. */
type Soon<Value> = Value | Promise<Value>

/** The sessions of a node, in this process or in several. Each may reject with an `AdminFault`. */
export interface AdministeredSessions {
  list(query: SessionQuery): Soon<SessionPage>
  /** False where there is none of this number. */
  end(number: number): Soon<boolean>
  /** Closes a share of them, as a drain does; how many these are. */
  rebalance(rebalancing: Rebalancing): Soon<number>
  /** Throws, or rejects with, a `RevocationsFullError`. */
  revoke(request: RevocationRequest): Soon<{ readonly revocation: Revocation; readonly sessions: number }>
}

export interface AdministrationOptions {
  readonly token: Secret
  readonly sessions: AdministeredSessions
  readonly revocations: Pick<Revocations, 'list' | 'lift'>
  readonly drain: Drain
  readonly log: FastifyBaseLogger
  /** Milliseconds since 1970; `Date.now` where absent. */
  readonly now?: () => number
}

/** Tells the log what an administrator has done. */
export type RecordAction = (request: FastifyRequest, action: string, fields: object) => void

/** What the routes work on. */
export interface AdminParts extends Required<Omit<AdministrationOptions, 'token' | 'log'>> {
  readonly record: RecordAction
}

/** Serves the administration of this node, JSON under `/v1` (docs/administration.md); the result counts its answers. */
export function serveAdministration(app: FastifyInstance, options: AdministrationOptions): AdminCounts {
  const { token, log, now = Date.now, ...rest } = options
  const counts = createAdminCounts()
  guard(app, { guard: new AdminGuard(token), refusals: new RateLimitedLog(log), counts })
  app.removeContentTypeParser('text/plain')
  app.setNotFoundHandler(({ method, url }) => {
    throw new AdminFault(404, `${method} ${url.split('?', 1)[0]}: there is nothing here`)
  })
  app.setErrorHandler((error: FastifyError, _request, reply) => answerFault(error, { reply, log }))
  const record: RecordAction = ({ ip }, action, fields) =>
    log.info({ administrator: ip, action, ...fields }, `administration: ${action}`)
  const parts: AdminParts = { ...rest, now, record }
  serveSessions(app, parts)
  serveRevocations(app, parts)
  serveDrain(app, parts)
  return counts
}

interface GuardParts {
  readonly guard: AdminGuard
  readonly refusals: RateLimitedLog
  readonly counts: AdminCounts
}

function guard(app: FastifyInstance, { guard: adminGuard, refusals, counts }: GuardParts): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    const { origin, authorization } = request.headers
    const fault = adminGuard.refusalOf(
      { hostname: request.hostname, origin, authorization },
      performance.now(),
    )
    if (fault === undefined) return
    const { statusCode, message } = fault
    refusals.warn({ address: request.ip, status: statusCode, reason: message }, 'administration refused')
    throw fault
  })
  app.addHook('onResponse', async (_request, reply) => countAnswer(counts, reply.statusCode))
}

/** Fastify's own errors (a body that is no JSON, too large, of another type) say what is wrong; others are ours and stay here. */
async function answerFault(
  error: FastifyError,
  { reply, log }: { readonly reply: FastifyReply; readonly log: FastifyBaseLogger },
): Promise<void> {
  const status = error.statusCode ?? 500
  if (status >= 500 && !(error instanceof AdminFault)) {
    log.error({ err: error }, 'a request for administration failed')
    await reply.code(500).send({ error: 'a fault of the gateway; its log says more' })
    return
  }
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  if (error instanceof AdminFault && error.retryAfterS !== undefined) {
    reply.header('retry-after', error.retryAfterS)
  }
  await reply.code(status).send({ error: error.message })
}
