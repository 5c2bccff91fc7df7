import type { GatewayAccess } from '../../../clients/stream-socket.ts'
import { ProduceConnection } from '../../../kafka/produce-connection.ts'
import { writeRecordBatch } from '../../../kafka/record-batch-writer.ts'
import type { KafkaBench } from '../../../lib/bench.ts'
import { type GatewayOptions, startGateway } from '../../../processes/gateway-process.ts'
import { type Peer, peerSentTo } from './peer.ts'

type GatewayPeerOptions = Omit<GatewayOptions, 'topics' | 'settings'> &
  Pick<GatewayAccess, 'form' | 'filters' | 'refused'>

/** What many clients take, beside the settings of every scenario. */
const settings = { TICKER_MAX_SESSIONS: '100000', TICKER_WARMUP_RECORDS: '0' }

/**
 * The gateway's own program on a Kafka. A batch is one record batch in the only partition of its topic,
 * produced when the one before has arrived everywhere, so that it comes in one answer of Kafka and is one
 * ingest batch.
 */
export async function startGatewayPeer(options: GatewayPeerOptions, bench: KafkaBench): Promise<Peer> {
  const { form, filters = [], refused = [], ...own } = options
  const topics = await bench.createTopics(1)
  const connection = await ProduceConnection.open(bench.brokers, bench.stack)
  const { pid, address, token } = await startGateway({ topics, settings, ...own }, bench)
  const target = { address, access: { kind: 'gateway', token, form, filters, refused } } as const
  return peerSentTo({ name: 'gateway', pid, readsLog: true, target }, batch => {
    const records = batch.map(({ symbol, text }) => ({ key: symbol, value: text }))
    const bytes = writeRecordBatch(records, Date.now())
    return () => connection.send([{ topic: topics.trades, partition: 0, bytes }])
  })
}
