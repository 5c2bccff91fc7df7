import type { FastifyInstance } from 'fastify'
import type { Registry } from 'prom-client'
import type { OutageReport } from '../feed/outage.ts'

export interface OperationsOptions {
  readonly registry: Pick<Registry, 'contentType' | 'metrics'>
  /** Why the node should get no new connections; `undefined` when it should. */
  readonly notReadyReason: () => string | undefined
  /**
   * The outages of feeds. A node stays ready meanwhile: a load balancer must not empty every node at once.
   */
  readonly outages: () => readonly FeedOutage[]
  /** Whether there are several feeds, so that an outage is of one of them. */
  readonly hasFeeds: boolean
}

/** An outage of a feed of this name. */
export interface FeedOutage extends OutageReport {
  readonly feed: string
}

/** Serves `/metrics`, `/healthz` (the process answers) and `/readyz` (the node may get connections). */
export function serveOperations(
  app: FastifyInstance,
  { registry, notReadyReason, outages, hasFeeds }: OperationsOptions,
): void {
  app.get('/metrics', async (_request, reply) => {
    await reply.type(registry.contentType).send(await registry.metrics())
  })
  app.get('/healthz', async (_request, reply) => {
    await reply.send({ status: 'ok' })
  })
  app.get('/readyz', async (_request, reply) => {
    const reason = notReadyReason()
    await (reason === undefined
      ? reply.send({ status: 'ready', ...describe(outages(), hasFeeds) })
      : reply.code(503).send({ status: 'not ready', reason }))
  })
}

function describe(outages: readonly FeedOutage[], hasFeeds: boolean): object {
  const [first] = outages
  if (first === undefined) return {}
  if (hasFeeds) return { outages }
  const { feed: _feed, ...report } = first
  return report
}
