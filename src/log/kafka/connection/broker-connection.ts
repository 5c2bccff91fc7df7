import type { RecordHeader } from '../../event-log.ts'
import { KafkaError } from '../kafka-error.ts'
import type { KafkaRequest } from '../protocol/kafka-request.ts'
import type { BrokerAddress } from '../protocol/metadata-request.ts'

/**
 * A connection to one broker, for as long as it holds: after the first failure it is of no more use. Requests
 * of one kind (`Fetch`, or the rest) are sent one after the other, each when the last one was answered.
 */
export interface BrokerConnection {
  readonly address: BrokerAddress
  /** Rejects with a `KafkaError`, or a `MalformedError` for an answer that is none. */
  send<Answer>(request: KafkaRequest<Answer>): Promise<Answer>
  /** Makes what is still unanswered fail. */
  close(): void
}

/** A message for one partition. */
export interface OutgoingMessage {
  readonly key: string
  readonly value: Buffer | null
  readonly headers?: readonly RecordHeader[]
}

/** What goes to one partition in one batch; all of it is appended, or nothing. */
export interface OutgoingBatch {
  readonly topic: string
  readonly partition: number
  readonly messages: readonly OutgoingMessage[]
}

/** An idempotent producer: a batch that is sent again after a failure is not appended twice. */
export interface BatchProducer {
  /**
   * Resolves with the offset of the first message. Rejects with a `KafkaError`: after a retriable one the same
   * batch may be sent again, before any other of its partition; after a fatal one the producer is of no more use.
   */
  send(batch: OutgoingBatch): Promise<number>
  close(): Promise<void>
}

/** The way to Kafka. */
export interface KafkaClient {
  connect(address: BrokerAddress): Promise<BrokerConnection>
  createProducer(): Promise<BatchProducer>
}

const pattern = /^(?:\[(?<bracketed>[^\]]+)\]|(?<plain>[^:]+)):(?<port>\d{1,5})$/

/** The address in `host:port`; an IPv6 address stands in brackets. Throws a `KafkaError`. */
export function brokerAddress(text: string): BrokerAddress {
  const { bracketed, plain, port } = pattern.exec(text)?.groups ?? {}
  const host = bracketed ?? plain
  if (host === undefined || port === undefined) {
    throw new KafkaError(`${text}: expected a broker as host:port`, { severity: 'fatal' })
  }
  return { host, port: Number(port) }
}
