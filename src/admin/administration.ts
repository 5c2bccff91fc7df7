import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply } from 'fastify'
import { RateLimitedLog } from '../diagnostics/rate-limited-log.ts'
import type { Secret } from '../diagnostics/secret.ts'
import type { Clock } from '../system/clock.ts'
import { type AdminCounts, countAnswer, createAdminCounts } from './admin-counts.ts'
import { AdminFault } from './admin-fault.ts'
import { AdminGuard } from './admin-guard.ts'
import {
  type AdminParts,
  type RecordAction,
  serveDrain,
  serveRevocations,
  serveSessions,
} from './admin-routes.ts'

/** The parts that administration uses. */
export interface AdministrationOptions extends Omit<AdminParts, 'record'> {
  readonly token: Secret
  readonly log: FastifyBaseLogger
}

/**
 * Serves the administration of this node: JSON under `/v1` (docs/administration.md). Returns the counts of
 * its answers.
 */
export function serveAdministration(app: FastifyInstance, options: AdministrationOptions): AdminCounts {
  const { token, log, ...parts } = options
  const counts = createAdminCounts()
  guard(app, {
    guard: new AdminGuard(token),
    refusalLog: new RateLimitedLog(log),
    clock: parts.clock,
    counts,
  })
  app.removeContentTypeParser('text/plain')
  app.setNotFoundHandler(({ method, url }) => {
    throw new AdminFault(404, `${method} ${url.split('?', 1)[0]}: there is nothing here`)
  })
  app.setErrorHandler((error: FastifyError, _request, reply) => answerFault(error, { reply, log }))
  const record: RecordAction = ({ ip }, action, fields) =>
    log.info({ administrator: ip, action, ...fields }, `administration: ${action}`)
  serveSessions(app, { ...parts, record })
  serveRevocations(app, { ...parts, record })
  serveDrain(app, { ...parts, record })
  return counts
}

interface GuardParts {
  readonly guard: AdminGuard
  readonly refusalLog: RateLimitedLog
  readonly clock: Clock
  readonly counts: AdminCounts
}

function guard(app: FastifyInstance, { guard: adminGuard, refusalLog, clock, counts }: GuardParts): void {
  app.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' })
    const { origin, authorization } = request.headers
    const fault = adminGuard.refusalOf({ hostname: request.hostname, origin, authorization }, clock.steady())
    if (fault === undefined) return
    const { statusCode, message } = fault
    refusalLog.warn({ address: request.ip, status: statusCode, reason: message }, 'administration refused')
    throw fault
  })
  app.addHook('onResponse', async (_request, reply) => countAnswer(counts, reply.statusCode))
}

/**
 * Sends Fastify's own errors (a body that is not JSON, too large, of another type); only the log has faults
 * of ours.
 */
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
