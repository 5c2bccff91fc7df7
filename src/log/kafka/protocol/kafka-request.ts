import type { ByteReader } from './byte-reader.ts'
import { KafkaError, type Severity } from '../kafka-error.ts'

/** A request in a flexible version of its API (KIP-482): tagged fields, compact strings and arrays. */
export interface KafkaRequest<Answer> {
  readonly apiKey: number
  readonly apiVersion: number
  /** For messages, and for the client, which keeps a separate connection for `Fetch`. */
  readonly apiName: 'Fetch' | 'ListOffsets' | 'Metadata'
  /** The bytes after the header. */
  readonly body: Buffer
  /** Reads the response after its header and throttle time. Throws a `MalformedError`. */
  readAnswer(reader: ByteReader): Answer
}

/** The versions that brokers must support: those of Kafka 3.1, the first to fetch by topic id (KIP-516). */
export const apiVersions = {
  Fetch: { apiKey: 1, apiVersion: 13, apiName: 'Fetch' },
  ListOffsets: { apiKey: 2, apiVersion: 6, apiName: 'ListOffsets' },
  Metadata: { apiKey: 3, apiVersion: 12, apiName: 'Metadata' },
} as const

/** The error codes that are handled (https://kafka.apache.org/protocol#protocol_error_codes). */
export const kafkaErrorCodes = {
  none: 0,
  offsetOutOfRange: 1,
  unknownTopicOrPartition: 3,
  topicAuthorizationFailed: 29,
  unknownTopicId: 100,
} as const

const errorNames: ReadonlyMap<number, string> = new Map([
  [-1, 'UNKNOWN_SERVER_ERROR'],
  [1, 'OFFSET_OUT_OF_RANGE'],
  [2, 'CORRUPT_MESSAGE'],
  [3, 'UNKNOWN_TOPIC_OR_PARTITION'],
  [5, 'LEADER_NOT_AVAILABLE'],
  [6, 'NOT_LEADER_OR_FOLLOWER'],
  [7, 'REQUEST_TIMED_OUT'],
  [9, 'REPLICA_NOT_AVAILABLE'],
  [17, 'INVALID_TOPIC_EXCEPTION'],
  [29, 'TOPIC_AUTHORIZATION_FAILED'],
  [31, 'CLUSTER_AUTHORIZATION_FAILED'],
  [35, 'UNSUPPORTED_VERSION'],
  [42, 'INVALID_REQUEST'],
  [56, 'KAFKA_STORAGE_ERROR'],
  [74, 'FENCED_LEADER_EPOCH'],
  [75, 'UNKNOWN_LEADER_EPOCH'],
  [78, 'OFFSET_NOT_AVAILABLE'],
  [100, 'UNKNOWN_TOPIC_ID'],
  [103, 'INCONSISTENT_TOPIC_ID'],
])

/** The name of an error code, as Kafka's documentation and logs spell it. */
export function errorName(code: number): string {
  return errorNames.get(code) ?? `error ${code}`
}

/** The error for an error code in a broker's answer. */
export function brokerError(what: string, code: number, severity: Severity = 'retriable'): KafkaError {
  return new KafkaError(`${what}: Kafka answered ${errorName(code)}`, { severity })
}

/** Throws a `KafkaError` unless a broker supports the necessary versions. `supported` is keyed by API key. */
export function checkVersions(
  supported: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number }>>,
): void {
  for (const { apiKey, apiVersion, apiName } of Object.values(apiVersions)) {
    const { minVersion = 0, maxVersion = -1 } = supported[apiKey] ?? {}
    if (minVersion <= apiVersion && apiVersion <= maxVersion) continue
    const range = `the broker knows ${minVersion} to ${maxVersion}`
    throw new KafkaError(`${apiName} version ${apiVersion} is needed, ${range}: use Kafka 3.1 or later`)
  }
}
