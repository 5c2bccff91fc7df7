import type { AllowedOrigins } from '../auth/origin-policy.ts'
import type { KeySource } from '../auth/token-keys.ts'
import type { AddressRange } from '../system/ip-address.ts'
import type { KafkaSasl, KafkaTls } from '../log/kafka/connection/kafka-access.ts'
import type { Topics } from '../log/topics.ts'
import type { Secret } from '../diagnostics/secret.ts'
import type { Mode } from './mode.ts'

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export type LogLevel = (typeof logLevels)[number]

/** An address to listen on; port 0 takes a free one. */
export interface Listener {
  readonly host: string
  readonly port: number
}

/**
 * How the stream is protected on its way: `plain` on loopback and to the proxies that the operator trusts, or `tls` with files that
 * are read again when they change, or `self-signed` with a certificate that is made for development.
 */
export type Protection =
  | { readonly kind: 'plain' }
  | { readonly kind: 'self-signed' }
  | { readonly kind: 'tls'; readonly certificateFile: string; readonly keyFile: string }

/** The listener of the stream and of the pages. */
export interface StreamConfig extends Listener {
  readonly protection: Protection
  /** Addresses, or ranges, of proxies whose word on the client's address is taken. */
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
  /** `undefined`: in the clear. */
  readonly tls: KafkaTls | undefined
  /** `undefined`: nobody is named, but perhaps by a certificate. */
  readonly sasl: KafkaSasl | undefined
}

/** The log in a file of this machine; only in development. The oldest records leave past either limit. */
export interface EmbeddedConfig {
  readonly kind: 'embedded'
  readonly path: string
  readonly retentionBytes: number
  readonly retentionMs: number
}

/** The generated feed, repeatable by its seed; only in development on the embedded log. */
export interface DemoConfig {
  readonly seed: number
}

/** What is read from the log and kept of it. */
export interface IngestConfig {
  /** Records of each partition that are read back at start. */
  readonly warmUpRecords: number
  /** Records of each partition, before those, in which last events are looked for. */
  readonly lookBackRecords: number
  /** How long they are looked for. */
  readonly lookBackMs: number
  /** What is kept of the recent events, in memory and in time. */
  readonly tapeBytes: number
  readonly tapeMs: number
  /** A larger record is poison. */
  readonly maxEventBytes: number
  /** Items that this node keeps; events of further ones are counted and dropped. */
  readonly maxItems: number
  /** A module's path (from the working directory) or package name; `undefined`: JSON and MessagePack. */
  readonly decoder: string | undefined
}

/** How tokens are checked. */
export interface AuthConfig {
  readonly keys: KeySource
  readonly issuer: string
  readonly audience: string
  /** JOSE names, never `none` nor an HMAC; with a public key only those that it fits. */
  readonly algorithms: readonly string[]
  readonly clockToleranceS: number
}

/** What one session, and all of them, may use up. */
export interface LimitsConfig {
  /** From the connection to a valid token, absolute. */
  readonly authTimeoutMs: number
  /** Connections without a complete first request. */
  readonly maxHandshakes: number
  readonly handshakesPerSecond: number
  readonly handshakesPerAddressPerSecond: number
  readonly maxConnectionsPerAddress: number
  readonly maxSessionsPerUser: number
  readonly sessionsPerUserPerSecond: number
  /** Of a session. */
  readonly messagesPerSecond: number
  /** How far back a session may resume without the scope `history`. */
  readonly resumeMaxAgeMs: number
  /** Sent to the sessions of a user from the log in a minute. */
  readonly resumeBytesPerUser: number
  /** Sessions that read the log again at a time, and of one user. */
  readonly resumesAtOnce: number
  readonly resumesAtOncePerUser: number
  /** Of one message from a client. */
  readonly maxMessageBytes: number
  readonly maxItemsPerSession: number
  readonly maxSessions: number
  /** Unsent bytes at which a session is closed as too slow. */
  readonly maxUnsentBytes: number
  /** What a client that acknowledges may leave unacknowledged without falling behind. */
  readonly maxUnackedBytes: number
  readonly maxUnackedMs: number
  /** How long a client that is behind may take nothing. */
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
  /** Of the process; `undefined`: what its container, or the machine, has. */
  readonly memoryLimitBytes: number | undefined
  /** Of that, from where on nobody new is taken in, and something is let go of. */
  readonly memoryRefusePercent: number
  readonly memoryShedPercent: number
}

/** What requests that publish may bring. */
export interface PublishConfig {
  /** Of a body, decompressed. */
  readonly maxBytes: number
  /** Of a request. */
  readonly maxEvents: number
  /** Events of all requests that may wait for the log. */
  readonly maxPending: number
  /** For each user. */
  readonly eventsPerSecond: number
}

/** What a command that appends to the log has to know. */
export interface LogConfig extends Pick<Config, 'log' | 'topics'> {
  /** A larger record would be poison to the gateway. */
  readonly maxEventBytes: number
}

/** Everything that `TICKER_*` variables decide, checked. Its secrets do not show themselves, so it may be shown. */
export interface Config {
  readonly mode: Mode
  readonly logLevel: LogLevel
  /** Processes that serve the stream; with 1 it is this one. */
  readonly workers: number
  readonly stream: StreamConfig
  /** Metrics and health, without authentication. */
  readonly operations: Listener
  /** `undefined`: none. */
  readonly administration: AdministrationConfig | undefined
  readonly log: KafkaConfig | EmbeddedConfig
  readonly topics: Topics
  /** Poison records are copied there; `undefined`: nowhere. Only with Kafka. */
  readonly deadLetterTopic: string | undefined
  /** `undefined`: no demo feed. */
  readonly demo: DemoConfig | undefined
  readonly ingest: IngestConfig
  readonly auth: AuthConfig
  readonly limits: LimitsConfig
  readonly publish: PublishConfig
}
