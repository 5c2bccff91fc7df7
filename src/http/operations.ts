import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'

export interface OperationsOptions {
  readonly registry: Pick<Registry, 'contentType' | 'metrics'>
  /** Why the node should get no new connections; `undefined` when it should. */
  readonly notReady: () => string | undefined
}

/** Serves `/metrics`, `/healthz` (the process answers) and `/readyz` (it may get connections). */
export function serveOperations(app: FastifyInstance, { registry, notReady }: OperationsOptions): void {
  app.get('/metrics', async (_request, reply) => {
    await reply.type(registry.contentType).send(await registry.metrics())
  })
  app.get('/healthz', async (_request, reply) => {
    await reply.send({ status: 'ok' })
  })
  app.get('/readyz', async (_request, reply) => {
    const reason = notReady()
    await reply
      .code(reason === undefined ? 200 : 503)
      .send(reason === undefined ? { status: 'ready' } : { status: 'not ready', reason })
  })
}
