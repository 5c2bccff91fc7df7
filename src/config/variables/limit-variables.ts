import { oneOf, wholeNumber } from '../kinds/kind.ts'
import { optional, withDefault } from './variable.ts'

export const limitVariables = {
  authTimeoutMs: withDefault({
    name: 'TICKER_AUTH_TIMEOUT_MS',
    kind: wholeNumber(100, 60_000, 'milliseconds'),
    default: '10000',
    doc: 'Time from the connection to a valid token.',
  }),
  maxMessageBytes: withDefault({
    name: 'TICKER_MAX_MESSAGE_BYTES',
    kind: wholeNumber(1024, 1_048_576, 'bytes'),
    default: '65536',
    doc: 'Largest message from a client.',
  }),
  maxHandshakes: withDefault({
    name: 'TICKER_MAX_HANDSHAKES',
    kind: wholeNumber(10, 100_000),
    default: '10000',
    doc: 'Connections that may be without a complete first request; beyond that the slowest are ended.',
  }),
  handshakesPerSecond: withDefault({
    name: 'TICKER_HANDSHAKES_PER_SECOND',
    kind: wholeNumber(1, 100_000),
    default: '1000',
    doc:
      'New stream connections of this node each second; further ones wait up to 5 s, then are refused ' +
      'with 429.',
  }),
  handshakesPerAddressPerSecond: withDefault({
    name: 'TICKER_HANDSHAKES_PER_ADDRESS_PER_SECOND',
    kind: wholeNumber(1, 100_000),
    default: '50',
    doc:
      'The same for one address (an IPv6 network of 64 bits); slows down clients that reconnect without a ' +
      'pause.',
  }),
  maxConnectionsPerAddress: withDefault({
    name: 'TICKER_MAX_CONNECTIONS_PER_ADDRESS',
    kind: wholeNumber(1, 1_000_000),
    default: '1000',
    doc:
      'Stream connections from one address, and as many for plain HTTP requests; further ones are refused ' +
      'with 429. As many more may have sent no request for two seconds; further ones of those are ended.',
  }),
  maxSessionsPerUser: withDefault({
    name: 'TICKER_MAX_SESSIONS_PER_USER',
    kind: wholeNumber(1, 1_000_000),
    default: '100',
    doc: 'Sessions of one user (`sub`); further ones end with error 406.',
  }),
  sessionsPerUserPerSecond: withDefault({
    name: 'TICKER_SESSIONS_PER_USER_PER_SECOND',
    kind: wholeNumber(1, 100_000),
    default: '10',
    doc: 'Sessions that one user begins each second; further ones wait for their turn.',
  }),
  messagesPerSecond: withDefault({
    name: 'TICKER_MESSAGES_PER_SECOND',
    kind: wholeNumber(1, 100_000),
    default: '50',
    doc:
      "Messages from a client each second; a message counts once more for each kB. Beyond four seconds' " +
      'worth the session ends.',
  }),
  resumeMaxAgeMs: withDefault({
    name: 'TICKER_RESUME_MAX_AGE_MS',
    kind: wholeNumber(0, 31_536_000_000, 'milliseconds'),
    default: '900000',
    doc:
      'How far back a session may resume, by the time at which the node read an event. Older events that ' +
      'are not in memory need the scope `history`.',
  }),
  resumeBytesPerUser: withDefault({
    name: 'TICKER_RESUME_BYTES_PER_USER',
    kind: wholeNumber(1_048_576, 1_099_511_627_776, 'bytes'),
    default: '268435456',
    doc: "Missed bytes that one user's sessions are sent from the log each minute; further ones wait.",
  }),
  resumesAtOnce: withDefault({
    name: 'TICKER_RESUMES_AT_ONCE',
    kind: wholeNumber(1, 100_000),
    default: '64',
    doc: 'Sessions that read the log at the same time to catch up; further ones wait for their turn.',
  }),
  resumesAtOncePerUser: withDefault({
    name: 'TICKER_RESUMES_AT_ONCE_PER_USER',
    kind: wholeNumber(1, 100_000),
    default: '8',
    doc: 'The same for one user.',
  }),
  maxItemsPerSession: withDefault({
    name: 'TICKER_MAX_ITEMS_PER_SESSION',
    kind: wholeNumber(1, 1_000_000),
    default: '5000',
    doc: 'Items, such as trades/AAPL, that one session may name in its subscriptions.',
  }),
  maxFilters: withDefault({
    name: 'TICKER_MAX_FILTERS',
    kind: wholeNumber(0, 1_000_000),
    default: '1000',
    doc:
      'Different filters (`where`) that sessions use at the same time, in each worker. An event may cost an ' +
      'evaluation of each; 0 refuses filters.',
  }),
  maxFiltersPerUser: withDefault({
    name: 'TICKER_MAX_FILTERS_PER_USER',
    kind: wholeNumber(0, 1_000_000),
    default: '50',
    doc: 'Those of them that the sessions of one user (`sub`) use.',
  }),
  maxSessions: withDefault({
    name: 'TICKER_MAX_SESSIONS',
    kind: wholeNumber(1, 1_000_000),
    default: '10000',
    doc: 'Sessions on this node.',
  }),
  maxUnsentBytes: withDefault({
    name: 'TICKER_MAX_UNSENT_BYTES',
    kind: wholeNumber(65_536, 1_073_741_824, 'bytes'),
    default: '4194304',
    doc:
      'Unsent bytes at which a session is closed. Events do not add up to that: with 128 KiB unsent a ' +
      'session is behind, and gets no events until it has read.',
  }),
  maxUnackedBytes: withDefault({
    name: 'TICKER_MAX_UNACKED_BYTES',
    kind: wholeNumber(65_536, 1_073_741_824, 'bytes'),
    default: '1048576',
    doc: 'What a client that acknowledges may leave unacknowledged; beyond that it is behind.',
  }),
  maxUnackedMs: withDefault({
    name: 'TICKER_MAX_UNACKED_MS',
    kind: wholeNumber(100, 600_000, 'milliseconds'),
    default: '5000',
    doc: 'How long it may leave them unacknowledged.',
  }),
  slowTimeoutMs: withDefault({
    name: 'TICKER_SLOW_TIMEOUT_MS',
    kind: wholeNumber(1000, 86_400_000, 'milliseconds'),
    default: '60000',
    doc: 'How long a session that is behind may read or acknowledge nothing before it is closed as too slow.',
  }),
  deflate: withDefault({
    name: 'TICKER_DEFLATE',
    kind: oneOf(['on', 'off']),
    default: 'on',
    doc:
      'Whether clients that offer `permessage-deflate`, or `gzip` for server-sent events, get JSON frames ' +
      'of 1 kB or more compressed. A frame is compressed once for all of its receivers, and not at all for ' +
      'a single one.',
  }),
  flushDelayMs: withDefault({
    name: 'TICKER_FLUSH_DELAY_MS',
    kind: wholeNumber(0, 1000, 'milliseconds'),
    default: '2',
    doc:
      'How long an event may wait for further ones to share its frame while the node is busy writing; an ' +
      'idle node writes at once.',
  }),
  heartbeatMs: withDefault({
    name: 'TICKER_HEARTBEAT_MS',
    kind: wholeNumber(100, 60_000, 'milliseconds'),
    default: '5000',
    doc: 'Time between heartbeat messages.',
  }),
  expiryWarningMs: withDefault({
    name: 'TICKER_EXPIRY_WARNING_MS',
    kind: wholeNumber(0, 86_400_000, 'milliseconds'),
    default: '60000',
    doc: "How long before its token's expiry a client is warned.",
  }),
  pingMs: withDefault({
    name: 'TICKER_PING_MS',
    kind: wholeNumber(1000, 300_000, 'milliseconds'),
    default: '20000',
    doc: 'Time between WebSocket pings, which find dead connections.',
  }),
  memoryLimitBytes: optional({
    name: 'TICKER_MEMORY_LIMIT_BYTES',
    kind: wholeNumber(67_108_864, 17_592_186_044_416, 'bytes'),
    absent: "the container's limit, or the machine's memory",
    doc: 'Memory that the gateway may use: the resident sets of all of its workers together.',
  }),
  memoryRefusePercent: withDefault({
    name: 'TICKER_MEMORY_REFUSE_PERCENT',
    kind: wholeNumber(10, 100, 'percent'),
    default: '75',
    doc: 'Share of that from which new sessions and resumes are refused.',
  }),
  memoryShedPercent: withDefault({
    name: 'TICKER_MEMORY_SHED_PERCENT',
    kind: wholeNumber(10, 100, 'percent'),
    default: '90',
    doc:
      'Share of that from which fewer recent events are kept, and the sessions with the most unsent bytes ' +
      'end with 407.',
  }),
  drainMs: optional({
    name: 'TICKER_DRAIN_MS',
    kind: wholeNumber(0, 600_000, 'milliseconds'),
    absent: '`5000`; in development `500`',
    doc: 'Time that sessions have to leave when the gateway stops. The whole stop takes at most 3 s more.',
  }),
}

export const publishVariables = {
  maxBytes: withDefault({
    name: 'TICKER_PUBLISH_MAX_BYTES',
    kind: wholeNumber(1024, 16_777_216, 'bytes'),
    default: '1048576',
    doc: 'Largest body of a `POST /v1/events`, decompressed.',
  }),
  maxEvents: withDefault({
    name: 'TICKER_PUBLISH_MAX_EVENTS',
    kind: wholeNumber(1, 10_000),
    default: '1000',
    doc: 'Events in one request.',
  }),
  maxPending: withDefault({
    name: 'TICKER_PUBLISH_MAX_PENDING',
    kind: wholeNumber(1, 1_000_000),
    default: '20000',
    doc: 'Events of all requests that may wait for the log; further ones are refused with 503.',
  }),
  eventsPerSecond: withDefault({
    name: 'TICKER_PUBLISH_EVENTS_PER_SECOND',
    kind: wholeNumber(1, 1_000_000),
    default: '10000',
    doc: 'Events that one user may publish through this node each second; further ones are refused with 429.',
  }),
}
