import { allowedOrigins } from './address-kinds.ts'
import { logLevels } from './config.ts'
import { host, oneOf, port, whole } from './kind.ts'
import { modes } from './mode.ts'
import { certificateFile, privateKeyFile } from './pem-kinds.ts'
import { optional, withDefault } from './variable.ts'

export const generalVariables = {
  mode: withDefault({
    name: 'TICKER_MODE',
    kind: oneOf(modes),
    default: 'production',
    doc: 'development adds the embedded log, the demo feed and generated keys, on loopback only.',
  }),
  logLevel: withDefault({
    name: 'TICKER_LOG_LEVEL',
    kind: oneOf(logLevels),
    default: 'info',
    doc: 'The least severe lines that are logged.',
  }),
}

export const streamVariables = {
  host: withDefault({
    name: 'TICKER_HOST',
    kind: host,
    default: '127.0.0.1',
    doc: 'Address the stream listens on. Other than loopback it takes TLS files or TICKER_PROXY_TLS=yes.',
  }),
  port: withDefault({
    name: 'TICKER_PORT',
    kind: port,
    default: '8080',
    doc: 'Port the stream listens on; 0 takes a free one.',
  }),
  certificateFile: optional({
    name: 'TICKER_TLS_CERT_FILE',
    kind: certificateFile,
    absent: 'none',
    doc: 'Certificate chain (PEM) to serve wss with.',
  }),
  keyFile: optional({
    name: 'TICKER_TLS_KEY_FILE',
    kind: privateKeyFile,
    absent: 'none',
    doc: "The certificate's private key (PEM).",
  }),
  proxyTls: withDefault({
    name: 'TICKER_PROXY_TLS',
    kind: oneOf(['yes', 'no']),
    default: 'no',
    doc: 'yes states that a proxy in front terminates TLS, so that plain ws may leave loopback.',
  }),
  allowedOrigins: optional({
    name: 'TICKER_ALLOWED_ORIGINS',
    kind: allowedOrigins,
    absent: 'none; in development those on loopback',
    doc: 'Web origins whose pages may connect. Clients other than browsers send none and may.',
  }),
}

export const operationsVariables = {
  host: withDefault({
    name: 'TICKER_OPS_HOST',
    kind: host,
    default: '127.0.0.1',
    doc: 'Address of /metrics, /healthz and /readyz, which ask for no token.',
  }),
  port: withDefault({
    name: 'TICKER_OPS_PORT',
    kind: port,
    default: '9464',
    doc: 'Port of /metrics, /healthz and /readyz; 0 takes a free one.',
  }),
}

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
  pingMs: withDefault({
    name: 'TICKER_PING_MS',
    kind: whole(1000, 300_000, 'milliseconds'),
    default: '20000',
    doc: 'Time between WebSocket pings, which find dead connections.',
  }),
  drainMs: optional({
    name: 'TICKER_DRAIN_MS',
    kind: whole(0, 600_000, 'milliseconds'),
    absent: '`10000`; in development `500`',
    doc: 'Time that sessions have to leave when the gateway stops.',
  }),
}
