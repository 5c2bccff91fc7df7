import { isLoopback } from '../../system/ip-address.ts'
import { logLevels } from '../config.ts'
import { addressRange, allowedOrigins } from '../kinds/address-kinds.ts'
import { feedList } from '../kinds/feed-kinds.ts'
import { certificateFile, privateKeyFile } from '../kinds/key-kinds.ts'
import {
  commaSeparated,
  kind,
  listenHost,
  oneOf,
  port,
  secret,
  textMatching,
  wholeNumber,
} from '../kinds/kind.ts'
import { modes } from '../mode.ts'
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
    kind: wholeNumber(1, 64),
    default: '1',
    doc:
      'Processes that serve the stream, each on a core of its own and with its own recent events; about ' +
      'as many as the cores that Kafka and the rest of the machine leave.',
  }),
  feeds: withDefault({
    name: 'TICKER_FEEDS',
    kind: feedList,
    default: 'live',
    doc:
      'Feeds of the log, each with its delay. /v1/stream serves the first, /v1/stream/NAME each; a token ' +
      'names those it allows.',
  }),
}

export const streamVariables = {
  host: withDefault({
    name: 'TICKER_HOST',
    kind: listenHost,
    default: '127.0.0.1',
    doc: 'Address the stream listens on. Any but loopback requires TLS files or TICKER_TRUSTED_PROXIES.',
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
    doc: 'yes serves wss in development with a certificate that is generated under .ticker/.',
  }),
  trustedProxies: optional({
    name: 'TICKER_TRUSTED_PROXIES',
    kind: commaSeparated(addressRange),
    absent: 'none',
    doc:
      'Proxies in front that terminate TLS. Only they may connect unencrypted from elsewhere. Their ' +
      'X-Forwarded-For and X-Forwarded-Proto, or Forwarded, are trusted for the address of their client ' +
      'and its use of TLS.',
  }),
  allowedOrigins: optional({
    name: 'TICKER_ALLOWED_ORIGINS',
    kind: allowedOrigins,
    absent: 'none; in development those on loopback',
    doc:
      'Origins whose pages and apps may connect, as browsers send them. Clients other than browsers send ' +
      'none, and may connect.',
  }),
}

export const operationsVariables = {
  host: withDefault({
    name: 'TICKER_OPS_HOST',
    kind: listenHost,
    default: '127.0.0.1',
    doc: 'Address of /metrics, /healthz and /readyz, which need no token.',
  }),
  port: withDefault({
    name: 'TICKER_OPS_PORT',
    kind: port,
    default: '9464',
    doc: 'Port of /metrics, /healthz and /readyz; 0 takes a free one.',
  }),
}

const secretToken = secret(textMatching('32 to 512 characters without white space', /^[\x21-\x7e]{32,512}$/))

/** Administrators elsewhere use a tunnel that authenticates them (`ssh -L`, `kubectl port-forward`). */
const loopbackHost = kind('127.0.0.1, ::1 or localhost', value => (isLoopback(value) ? value : undefined))

export const adminVariables = {
  host: withDefault({
    name: 'TICKER_ADMIN_HOST',
    kind: loopbackHost,
    default: '127.0.0.1',
    doc: 'Address of the administration listener; loopback only.',
  }),
  port: withDefault({
    name: 'TICKER_ADMIN_PORT',
    kind: port,
    default: '9465',
    doc: 'Port of the administration listener; 0 takes a free one.',
  }),
  token: optional({
    name: 'TICKER_ADMIN_TOKEN',
    kind: secretToken,
    absent: 'none: no administration listener',
    doc: 'Token that administrators present; a secret of its own, such as `openssl rand -hex 32` prints.',
    isSecret: true,
  }),
}
