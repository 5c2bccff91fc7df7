import { mintTestToken } from '../../../../test/support/gateway.ts'
import { ProduceConnection } from '../../../kafka/produce-connection.ts'
import { writeRecordBatch } from '../../../kafka/record-batch-writer.ts'
import type { KafkaBench } from '../../../lib/bench.ts'
import { startGateway } from '../../../processes/gateway-process.ts'
import type { Peer } from './peer.ts'
import { emitInTurn } from './peer-program.ts'

export interface GatewayPeerOptions {
  readonly form: string
  readonly tls: boolean
  readonly profile: string | undefined
  readonly nodeOptions?: readonly string[]
}

const tokenLifetimeS = 7200
/** What many clients take, beside the settings of every scenario. */
const settings = { TICKER_MAX_SESSIONS: '100000', TICKER_WARMUP_RECORDS: '0' }

/**
 * The gateway's own program on a Kafka. A batch is one record batch in the only partition of its topic,
 * produced when the one before has arrived everywhere, so that it comes in one answer of Kafka and is one
 * ingest batch.
 */
export async function startGatewayPeer(options: GatewayPeerOptions, bench: KafkaBench): Promise<Peer> {
  const { form, tls, profile, nodeOptions = [] } = options
  const topics = await bench.createTopics(1)
  const connection = await ProduceConnection.open(bench.brokers, bench.stack)
  const tlsSettings: Readonly<Record<string, string>> = tls ? { TICKER_TLS_SELF_SIGNED: 'yes' } : {}
  const started = { topics, profile, nodeOptions, settings: { ...settings, ...tlsSettings } }
  const gateway = await startGateway(started, bench)
  const token = await mintTestToken({ lifetimeS: tokenLifetimeS })
  let sends: readonly (() => Promise<void>)[] = []
  return {
    name: 'gateway',
    pid: gateway.pid,
    readsLog: true,
    target: { address: gateway.address, access: { kind: 'gateway', token, form } },
    async prepare({ batches }) {
      sends = batches.map(batch => {
        const records = batch.map(({ symbol, text }) => ({ key: symbol, value: text }))
        const bytes = writeRecordBatch(records, Date.now())
        return () => connection.send([{ topic: topics.trades, partition: 0, bytes }])
      })
    },
    run: ({ intervalMs }, arrived) => emitInTurn(sends, intervalMs, arrived),
  }
}
