import { addressRange, allowedOrigins } from './address-kinds.ts'
import { logLevels } from './config.ts'
import { listenHost, listOf, oneOf, port, whole } from './kind.ts'
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
  workers: withDefault({
    name: 'TICKER_WORKERS',
    kind: whole(1, 64),
    default: '1',
    doc: 'Processes that serve the stream, each on a core of its own and with a tape of its own; about as many as there are cores that Kafka and the rest leave.',
  }),
}

export const streamVariables = {
  host: withDefault({
    name: 'TICKER_HOST',
    kind: listenHost,
    default: '127.0.0.1',
    doc: 'Address the stream listens on. Other than loopback it takes TLS files or TICKER_TRUSTED_PROXIES.',
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
  selfSigned: withDefault({
    name: 'TICKER_TLS_SELF_SIGNED',
    kind: oneOf(['yes', 'no']),
    default: 'no',
    doc: 'yes serves wss in development with a certificate that is made under .ticker/.',
  }),
  trustedProxies: optional({
    name: 'TICKER_TRUSTED_PROXIES',
    kind: listOf(addressRange),
    absent: 'none',
    doc: 'Proxies in front that terminate TLS: only they may connect in the clear from elsewhere, and who their client is and that it used TLS is believed from their X-Forwarded-For and X-Forwarded-Proto, or Forwarded.',
  }),
  allowedOrigins: optional({
    name: 'TICKER_ALLOWED_ORIGINS',
    kind: allowedOrigins,
    absent: 'none; in development those on loopback',
    doc: 'Origins whose pages and apps may connect, as browsers send them. Clients other than browsers send none and may.',
  }),
}

export const operationsVariables = {
  host: withDefault({
    name: 'TICKER_OPS_HOST',
    kind: listenHost,
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
