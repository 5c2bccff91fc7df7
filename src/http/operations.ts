import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import type { OutageReport } from '../feed/outage.ts'

export interface OperationsOptions {
  readonly registry: Pick<Registry, 'contentType' | 'metrics'>
  /** Why the node should get no new connections; `undefined` when it should. */
  readonly notReadyReason: () => string | undefined
  /**
   * The outage of the log. A node stays ready meanwhile: a load balancer must not empty every node at once.
   */
  readonly outage: () => OutageReport | undefined
}

/** Serves `/metrics`, `/healthz` (the process answers) and `/readyz` (the node may get connections). */
export function serveOperations(
  app: FastifyInstance,
  { registry, notReadyReason, outage }: OperationsOptions,
): void {
  app.get('/metrics', async (_request, reply) => {
    await reply.type(registry.contentType).send(await registry.metrics())
  })
  app.get('/healthz', async (_request, reply) => {
    await reply.send({ status: 'ok' })
  })
  app.get('/readyz', async (_request, reply) => {
    const reason = notReadyReason()
    await reply
      .code(reason === undefined ? 200 : 503)
      .send(reason === undefined ? { status: 'ready', ...outage() } : { status: 'not ready', reason })
  })
}
