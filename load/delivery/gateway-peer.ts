import type { Topics } from '../../src/log/topics.ts'
import { mintTestToken } from '../../test/support/gateway.ts'
import { GatewayProcess } from '../gateway-process.ts'
import type { Ground } from '../ground.ts'
import { type PlacedBatch, ProduceConnection } from '../produce-connection.ts'
import { writeRecordBatch } from '../record-batch-writer.ts'
import type { Bench } from '../scenario.ts'
import type { Peer } from './peer.ts'
import { emitInTurn } from './peer-program.ts'
import type { Batch } from './workload.ts'

export interface GatewayPeerOptions {
  readonly ground: Ground
  readonly bench: Bench
  readonly form: string
  readonly isTls: boolean
  /** Where it leaves a CPU profile. */
  readonly profile: string | undefined
  /** Options for Node itself. */
  readonly nodeOptions?: readonly string[]
}

const tokenLifetimeS = 7200
/** What many clients take, beside the settings of every scenario. */
const settings = { TICKER_MAX_SESSIONS: '100000', TICKER_WARMUP_RECORDS: '0' }

/**
 * The gateway's own program on a Kafka. A batch is one record batch in the one partition of its topic, produced when the one before has
 * arrived everywhere, so that it comes in one answer of Kafka and is one ingest batch.
 */
export async function startGatewayPeer(options: GatewayPeerOptions): Promise<Peer> {
  const { ground, bench, form, isTls, profile, nodeOptions = [] } = options
  const { stack, signal, say } = bench
  const { cores, brokers } = ground
  const topics = await ground.createTopics(1)
  const connection = await ProduceConnection.open(brokers)
  stack.defer(() => connection.close())
  signal.throwIfAborted()
  say('starting the gateway')
  const tlsSettings: Readonly<Record<string, string>> = isTls ? { TICKER_TLS_SELF_SIGNED: 'yes' } : {}
  const gateway = await GatewayProcess.start({
    brokers,
    topics,
    cores,
    profile,
    nodeOptions,
    settings: { ...settings, ...tlsSettings },
  })
  stack.defer(() => gateway.stop())
  const token = await mintTestToken({ lifetimeS: tokenLifetimeS })
  const { host, port, pid } = gateway
  let sends: readonly (() => Promise<void>)[] = []
  return {
    name: 'gateway',
    pid,
    isReader: true,
    target: { host, port, isTls, access: { kind: 'gateway', token, form } },
    async prepare({ batches }) {
      sends = batches.map(batch => {
        const placed = [placedBatch(topics, batch)]
        return () => connection.send(placed)
      })
    },
    run: ({ intervalMs }, arrived) => emitInTurn(sends, intervalMs, arrived),
  }
}

function placedBatch(topics: Topics, batch: Batch): PlacedBatch {
  const records = batch.map(({ symbol, text }) => ({ key: symbol, value: text }))
  return { topic: topics.trades, partition: 0, bytes: writeRecordBatch(records, Date.now()) }
}
