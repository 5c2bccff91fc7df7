import type { AllowedOrigins } from '../auth/request-headers.ts'
import type { KeySource } from '../auth/token-keys.ts'
import type { AddressRange } from '../system/ip-address.ts'
import type { KafkaSasl, KafkaTls } from '../log/kafka/connection/kafka-access.ts'
import type { Topics } from '../log/topics.ts'
import type { Secret } from '../diagnostics/secret.ts'
import type { FeedConfigs } from './kinds/feed-kinds.ts'
import type { Mode } from './mode.ts'

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

type LogLevel = (typeof logLevels)[number]

/** An address to listen on; port 0 takes a free one. */
export interface Listener {
  readonly host: string
  readonly port: number
}

/**
 * How the stream is encrypted: `plain` on loopback and to trusted proxies; `tls` with files that are read
 * again when they change; `self-signed` with a certificate that is generated for development.
 */
export type Protection =
  | { readonly kind: 'plain' }
  | { readonly kind: 'self-signed' }
  | { readonly kind: 'tls'; readonly certificateFile: string; readonly keyFile: string }

/** The listener of the stream and of the pages. */
export interface StreamConfig extends Listener {
  readonly protection: Protection
  /** Addresses, or ranges, of proxies whose statement of the client's address is trusted. */
  readonly trustedProxies: readonly AddressRange[]
  readonly allowedOrigins: AllowedOrigins
}

/** The listener for administrators, on loopback. */
export interface AdministrationConfig extends Listener {
  readonly token: Secret
}

/** The log in Kafka; `brokers` are `host:port`, at least one. */
export interface KafkaConfig {
  readonly kind: 'kafka'
  readonly brokers: readonly string[]
  readonly clientId: string
  /** `undefined`: unencrypted. */
  readonly tls: KafkaTls | undefined
  /** `undefined`: no SASL; a client certificate may still authenticate the gateway. */
  readonly sasl: KafkaSasl | undefined
}

/**
 * The log in a file on this machine, in development only. The oldest records are dropped beyond either limit.
 */
export interface EmbeddedConfig {
  readonly kind: 'embedded'
  readonly path: string
  readonly retentionBytes: number
  readonly retentionMs: number
}

/** The generated feed, repeatable by its seed; in development on the embedded log only. */
export interface DemoConfig {
  readonly seed: number
}

/** How much of the log is read, and how much is kept. */
interface IngestConfig {
  /** Records of each partition that are read at start. */
  readonly warmUpRecords: number
  /** Records of each partition, before those, that are searched for last events. */
  readonly lookBackRecords: number
  /** How long they are searched. */
  readonly lookBackMs: number
  /** How many recent events are kept, in bytes and by age. */
  readonly windowBytes: number
  readonly windowMs: number
  /** Larger records are refused as poison. */
  readonly maxEventBytes: number
  /** Items that this node keeps; a further one replaces the item that has been idle longest. */
  readonly maxItems: number
  /** A module's path (from the working directory) or package name; `undefined`: JSON and MessagePack. */
  readonly decoder: string | undefined
}

/** How tokens are verified. */
export interface AuthConfig {
  readonly keys: KeySource
  readonly issuer: string
  readonly audience: string
  /** JOSE names, never `none` nor an HMAC; with one public key, only those that fit it. */
  readonly algorithms: readonly string[]
  readonly clockToleranceS: number
}

/** The limits of one session, and of all of them together. */
export interface LimitsConfig {
  /** From the connection to a valid token, whatever the client sends meanwhile. */
  readonly authTimeoutMs: number
  /** Connections without a complete first request. */
  readonly maxHandshakes: number
  readonly handshakesPerSecond: number
  readonly handshakesPerAddressPerSecond: number
  readonly maxConnectionsPerAddress: number
  readonly maxSessionsPerUser: number
  readonly sessionsPerUserPerSecond: number
  /** For one session. */
  readonly messagesPerSecond: number
  /** How far back a session may resume without the scope `history`. */
  readonly resumeMaxAgeMs: number
  /** Bytes from the log that the sessions of a user are sent in a minute. */
  readonly resumeBytesPerUser: number
  /** Sessions that read the log at the same time to catch up, and those of one user. */
  readonly resumesAtOnce: number
  readonly resumesAtOncePerUser: number
  /** Of one message from a client. */
  readonly maxMessageBytes: number
  readonly maxItemsPerSession: number
  /** Different filters in use at the same time, in one process. */
  readonly maxFilters: number
  /** Those of them that the sessions of one user use. */
  readonly maxFiltersPerUser: number
  readonly maxSessions: number
  /** Unsent bytes at which a session is closed as too slow. */
  readonly maxUnsentBytes: number
  /**
   * The bytes, and the time, that a client that acknowledges may leave unacknowledged without being behind.
   */
  readonly maxUnackedBytes: number
  readonly maxUnackedMs: number
  /** How long a client that is behind may receive nothing. */
  readonly slowTimeoutMs: number
  /** Whether large frames are compressed for clients that offer it. */
  readonly deflate: 'on' | 'off'
  /** How long an event may wait for further ones while the node is busy writing. */
  readonly flushDelayMs: number
  readonly heartbeatMs: number
  /** How long before its token's expiry a client is warned. */
  readonly expiryWarningMs: number
  readonly pingMs: number
  /** How long a drain waits for sessions to leave by themselves. */
  readonly drainMs: number
  /** Memory of the gateway; `undefined`: the limit of its container, or the machine's memory. */
  readonly memoryLimitBytes: number | undefined
  /** The percentages of that above which new sessions are refused, and memory is freed. */
  readonly memoryRefusePercent: number
  readonly memoryShedPercent: number
}

/** Limits for requests that publish. */
interface PublishConfig {
  /** Of a body after decompression. */
  readonly maxBytes: number
  /** Of a request. */
  readonly maxEvents: number
  /** Events of all requests that may wait for the log. */
  readonly maxPending: number
  /** For each user. */
  readonly eventsPerSecond: number
}

/** The configuration of a command that appends to the log. */
export interface LogConfig extends Pick<Config, 'log' | 'topics'> {
  /** A gateway refuses a larger record as poison. */
  readonly maxEventBytes: number
}

/**
 * Everything that `TICKER_*` variables decide, checked. Secrets in it do not show themselves, so it may be
 * logged.
 */
export interface Config {
  readonly mode: Mode
  readonly logLevel: LogLevel
  /** Processes that serve the stream; 1 means this process alone. */
  readonly workers: number
  /** The feeds of the log; the first is for clients that name none. */
  readonly feeds: FeedConfigs
  readonly stream: StreamConfig
  /** Metrics and health, without authentication. */
  readonly operations: Listener
  /** `undefined`: none. */
  readonly administration: AdministrationConfig | undefined
  readonly log: KafkaConfig | EmbeddedConfig
  readonly topics: Topics
  /** The topic that poison records are copied to; `undefined`: none. With Kafka only. */
  readonly deadLetterTopic: string | undefined
  /** `undefined`: no demo feed. */
  readonly demo: DemoConfig | undefined
  readonly ingest: IngestConfig
  readonly auth: AuthConfig
  readonly limits: LimitsConfig
  readonly publish: PublishConfig
}
