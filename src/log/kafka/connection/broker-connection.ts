import type { RecordHeader } from '../../event-log.ts'
import { KafkaError } from '../kafka-error.ts'
import type { KafkaRequest } from '../protocol/kafka-request.ts'
import type { BrokerAddress } from '../protocol/metadata-request.ts'

/**
 * A connection to one broker. After its first failure it is of no more use. Requests of one kind (`Fetch`, or
 * all others) are sent one after the other, each when the one before was answered.
 */
export interface BrokerConnection {
  readonly address: BrokerAddress
  /** Rejects with a `KafkaError`, or with a `MalformedError` if the answer cannot be read. */
  send<Answer>(request: KafkaRequest<Answer>): Promise<Answer>
  /** Makes unanswered requests fail. */
  close(): void
}

/** A message for one partition. */
export interface OutgoingMessage {
  readonly key: string
  readonly value: Buffer | null
  readonly headers?: readonly RecordHeader[]
}

/** Messages that go to one partition in one batch. Either all of them are appended, or none. */
export interface OutgoingBatch {
  readonly topic: string
  readonly partition: number
  readonly messages: readonly OutgoingMessage[]
}

/** An idempotent producer: a batch that is sent again after a failure is not appended twice. */
export interface BatchProducer {
  /**
   * Resolves with the offset of the first message. Rejects with a `KafkaError`. After a retriable error the
   * same batch may be sent again, before any other batch of its partition. After a fatal error the producer
   * is of no more use.
   */
  send(batch: OutgoingBatch): Promise<number>
  close(): Promise<void>
}

/** The way to Kafka. */
export interface KafkaClient {
  connect(address: BrokerAddress): Promise<BrokerConnection>
  createProducer(): Promise<BatchProducer>
}

const addressPattern = /^(?:\[(?<bracketed>[^\]]+)\]|(?<plain>[^:]+)):(?<port>\d{1,5})$/

/** Parses `host:port`. An IPv6 address stands in brackets. Throws a `KafkaError`. */
export function brokerAddress(text: string): BrokerAddress {
  const { bracketed, plain, port } = addressPattern.exec(text)?.groups ?? {}
  const host = bracketed ?? plain
  if (host === undefined || port === undefined) {
    throw new KafkaError(`${text}: expected a broker as host:port`, { severity: 'fatal' })
  }
  return { host, port: Number(port) }
}
