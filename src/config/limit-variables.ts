import { whole } from './kind.ts'
import { optional, withDefault } from './variable.ts'

export const limitVariables = {
  authTimeoutMs: withDefault({
    name: 'TICKER_AUTH_TIMEOUT_MS',
    kind: whole(100, 60_000, 'milliseconds'),
    default: '10000',
    doc: 'Time from the connection to a valid token.',
  }),
  maxMessageBytes: withDefault({
    name: 'TICKER_MAX_MESSAGE_BYTES',
    kind: whole(1024, 1_048_576, 'bytes'),
    default: '65536',
    doc: 'Largest message from a client.',
  }),
  maxHandshakes: withDefault({
    name: 'TICKER_MAX_HANDSHAKES',
    kind: whole(10, 100_000),
    default: '10000',
    doc: 'Connections that may be without a complete first request; beyond that the slowest are ended.',
  }),
  handshakesPerSecond: withDefault({
    name: 'TICKER_HANDSHAKES_PER_SECOND',
    kind: whole(1, 100_000),
    default: '1000',
    doc: 'Stream connections that this node begins each second; further ones wait up to 5 s, then are refused with 429.',
  }),
  handshakesPerAddressPerSecond: withDefault({
    name: 'TICKER_HANDSHAKES_PER_ADDRESS_PER_SECOND',
    kind: whole(1, 100_000),
    default: '50',
    doc: 'The same for one address (an IPv6 network of 64 bits), so that a client which reconnects without a pause is slowed down.',
  }),
  maxConnectionsPerAddress: withDefault({
    name: 'TICKER_MAX_CONNECTIONS_PER_ADDRESS',
    kind: whole(1, 1_000_000),
    default: '1000',
    doc: 'Stream connections from one address; further ones are refused with 429.',
  }),
  maxSessionsPerUser: withDefault({
    name: 'TICKER_MAX_SESSIONS_PER_USER',
    kind: whole(1, 1_000_000),
    default: '100',
    doc: 'Sessions of one user (`sub`); further ones end with error 406.',
  }),
  sessionsPerUserPerSecond: withDefault({
    name: 'TICKER_SESSIONS_PER_USER_PER_SECOND',
    kind: whole(1, 100_000),
    default: '10',
    doc: 'Sessions that one user begins each second; further ones wait for their turn.',
  }),
  messagesPerSecond: withDefault({
    name: 'TICKER_MESSAGES_PER_SECOND',
    kind: whole(1, 100_000),
    default: '50',
    doc: "Messages from a client each second, a long one counting once more for each kB; beyond four seconds' worth the session ends.",
  }),
  resumeMaxAgeMs: withDefault({
    name: 'TICKER_RESUME_MAX_AGE_MS',
    kind: whole(0, 31_536_000_000, 'milliseconds'),
    default: '900000',
    doc: 'How far back a session may resume; further back takes the scope `history`.',
  }),
  resumeBytesPerUser: withDefault({
    name: 'TICKER_RESUME_BYTES_PER_USER',
    kind: whole(1_048_576, 1_099_511_627_776, 'bytes'),
    default: '268435456',
    doc: "Bytes that one user's sessions are sent from the log, each minute, of what they missed; further ones wait.",
  }),
  resumesAtOnce: withDefault({
    name: 'TICKER_RESUMES_AT_ONCE',
    kind: whole(1, 100_000),
    default: '64',
    doc: 'Sessions that read the log at a time to catch up, a piece each; further ones wait for their turn.',
  }),
  resumesAtOncePerUser: withDefault({
    name: 'TICKER_RESUMES_AT_ONCE_PER_USER',
    kind: whole(1, 100_000),
    default: '8',
    doc: 'The same for one user.',
  }),
  maxItemsPerSession: withDefault({
    name: 'TICKER_MAX_ITEMS_PER_SESSION',
    kind: whole(1, 1_000_000),
    default: '5000',
    doc: 'Items, such as trades/AAPL, that one session may name in its subscriptions.',
  }),
  maxSessions: withDefault({
    name: 'TICKER_MAX_SESSIONS',
    kind: whole(1, 1_000_000),
    default: '10000',
    doc: 'Sessions on this node.',
  }),
  maxUnsentBytes: withDefault({
    name: 'TICKER_MAX_UNSENT_BYTES',
    kind: whole(65_536, 1_073_741_824, 'bytes'),
    default: '4194304',
    doc: 'Unsent bytes at which a session is closed as too slow.',
  }),
  heartbeatMs: withDefault({
    name: 'TICKER_HEARTBEAT_MS',
    kind: whole(100, 60_000, 'milliseconds'),
    default: '5000',
    doc: 'Time between heartbeat messages.',
  }),
  expiryWarningMs: withDefault({
    name: 'TICKER_EXPIRY_WARNING_MS',
    kind: whole(0, 86_400_000, 'milliseconds'),
    default: '60000',
    doc: "How long before its token's expiry a client is warned.",
  }),
  pingMs: withDefault({
    name: 'TICKER_PING_MS',
    kind: whole(1000, 300_000, 'milliseconds'),
    default: '20000',
    doc: 'Time between WebSocket pings, which find dead connections.',
  }),
  memoryLimitBytes: optional({
    name: 'TICKER_MEMORY_LIMIT_BYTES',
    kind: whole(67_108_864, 17_592_186_044_416, 'bytes'),
    absent: "the container's limit, or the machine's memory",
    doc: 'Memory that the process may take (its resident set).',
  }),
  memoryRefusePercent: withDefault({
    name: 'TICKER_MEMORY_REFUSE_PERCENT',
    kind: whole(10, 100, 'percent'),
    default: '75',
    doc: 'Of that: from here on new sessions and resumes are refused.',
  }),
  memoryShedPercent: withDefault({
    name: 'TICKER_MEMORY_SHED_PERCENT',
    kind: whole(10, 100, 'percent'),
    default: '90',
    doc: 'Of that: from here on fewer recent events are kept, and the sessions with the most unsent bytes end with 407.',
  }),
  drainMs: optional({
    name: 'TICKER_DRAIN_MS',
    kind: whole(0, 600_000, 'milliseconds'),
    absent: '`10000`; in development `500`',
    doc: 'Time that sessions have to leave when the gateway stops.',
  }),
}
