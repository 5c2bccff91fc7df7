import type { Config } from '../config/config.ts'
import { startDemo } from './gateway-parts.ts'
import {
  type GatewayNode,
  type NodeControls,
  type NodeOptions,
  openNode,
  type WorkerRole,
} from './gateway-node.ts'
import { type Addresses, listenAll, listenToStream } from './listeners.ts'

/** A running gateway. */
export interface Gateway {
  /** `http://host:port`, or `https`, of the stream and the page. */
  readonly url: string
  /** `http://host:port` of metrics and health; `undefined` of a worker, whose primary serves them. */
  readonly operationsUrl: string | undefined
  /** `http://host:port` of administration; `undefined` without it. */
  readonly administrationUrl: string | undefined
  /** Resolves when every feed has read every partition up to where it ended at start. */
  readonly ready: Promise<unknown>
  /** Rejects when a fault of ours ends reading the log; resolves after `stop`. */
  readonly ended: Promise<void>
  /** Refuses new connections, tells clients, closes them staggered, then releases everything. */
  stop(): Promise<void>
  readonly controls: NodeControls
}

/**
 * Starts a gateway. Operations are served at once; the stream answers 503 until the node is warmed up. Each
 * part is released by its place in `resources`: the last one first, also when the start fails.
 */
export async function startGateway(config: Config, options: NodeOptions = {}): Promise<Gateway> {
  await using resources = new AsyncDisposableStack()
  const { worker } = options
  const node = await openNode(config, options, resources)
  const { hosts, logger } = node
  // It starts last, but ends after the sessions.
  const demo = resources.use(new AsyncDisposableStack())
  // A start that fails waits for no client.
  let drainMs = 0
  resources.defer(async () => {
    await Promise.all([node.drain.begin(drainMs), node.intake.drain(drainMs)])
  })
  const { stream, operations, administration } = await listen(config, node, worker)
  if (worker === undefined) demo.defer(startDemo(config, hosts.log.events, logger))
  const ended = hosts.read()
  drainMs = config.limits.drainMs
  const started = resources.move()
  let stopping: Promise<void> | undefined
  return {
    url: `${config.stream.protection.kind === 'plain' ? 'http' : 'https'}://${stream}`,
    operationsUrl: operations && `http://${operations}`,
    administrationUrl: administration && `http://${administration}`,
    ready: hosts.ready,
    ended,
    stop: () => (stopping ??= started.disposeAsync()),
    controls: node.controls,
  }
}

/** A worker that replaces another one gets no connections before it has read their events. */
async function listen(config: Config, node: GatewayNode, worker: WorkerRole | undefined): Promise<Addresses> {
  const { hosts } = node
  if (worker?.listenWhen === 'when ready') await Promise.race([hosts.ready, hosts.read()])
  return await (worker === undefined ? listenAll({ config, ...node }) : listenToStream({ config, ...node }))
}
