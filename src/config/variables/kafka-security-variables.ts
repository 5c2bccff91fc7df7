import { isIP } from 'node:net'
import { passwordMechanisms } from '../../log/kafka/connection/kafka-access.ts'
import { secureUrl } from '../kinds/address-kinds.ts'
import { host, kind, oneOf, readableFile, secret, singleLine } from '../kinds/kind.ts'
import { certificateFile, privateKeyFile } from '../kinds/key-kinds.ts'
import { optional } from './variable.ts'

/** An IP address is not a server name (RFC 6066 §3). */
const serverName = kind('a host name', value =>
  isIP(value) === 0 && 'value' in host.parse(value) ? value : undefined,
)

export const kafkaTlsVariables = {
  mode: optional({
    name: 'TICKER_KAFKA_TLS',
    kind: oneOf(['on', 'off']),
    absent: 'on where one of the next four is set, else off',
    doc: 'TLS to the brokers.',
  }),
  authorityFile: optional({
    name: 'TICKER_KAFKA_TLS_CA_FILE',
    kind: certificateFile,
    absent: 'the authorities that Node knows',
    doc: "Certificates (PEM) of the authorities that brokers' certificates are checked against.",
  }),
  certificateFile: optional({
    name: 'TICKER_KAFKA_TLS_CERT_FILE',
    kind: certificateFile,
    absent: 'none',
    doc: 'Certificate chain (PEM) for brokers that request one.',
  }),
  keyFile: optional({
    name: 'TICKER_KAFKA_TLS_KEY_FILE',
    kind: privateKeyFile,
    absent: 'none',
    doc: "That certificate's private key (PEM).",
  }),
  serverName: optional({
    name: 'TICKER_KAFKA_TLS_SERVER_NAME',
    kind: serverName,
    absent: 'the name that each broker is connected to by',
    doc: "Name that brokers' certificates must have.",
  }),
}

const secretLine = secret(singleLine(4096))

const passwordList = passwordMechanisms.join(', ')

export const kafkaSaslVariables = {
  mechanism: optional({
    name: 'TICKER_KAFKA_SASL_MECHANISM',
    kind: oneOf([...passwordMechanisms, 'OAUTHBEARER']),
    absent: 'none: no SASL',
    doc: 'How the gateway authenticates to brokers.',
  }),
  username: optional({
    name: 'TICKER_KAFKA_SASL_USERNAME',
    kind: singleLine(512),
    absent: 'none',
    doc: `User, for ${passwordList}.`,
  }),
  password: optional({
    name: 'TICKER_KAFKA_SASL_PASSWORD',
    kind: secretLine,
    absent: 'none',
    doc: `Password, for ${passwordList}.`,
    isSecret: true,
  }),
  tokenUrl: optional({
    name: 'TICKER_KAFKA_OAUTH_TOKEN_URL',
    kind: secureUrl,
    absent: 'none',
    doc: 'Endpoint that grants access tokens by client credentials, for OAUTHBEARER.',
  }),
  clientId: optional({
    name: 'TICKER_KAFKA_OAUTH_CLIENT_ID',
    kind: singleLine(512),
    absent: 'none',
    doc: 'Client id at the endpoint.',
  }),
  clientSecret: optional({
    name: 'TICKER_KAFKA_OAUTH_CLIENT_SECRET',
    kind: secretLine,
    absent: 'none',
    doc: "The client's secret.",
    isSecret: true,
  }),
  scope: optional({
    name: 'TICKER_KAFKA_OAUTH_SCOPE',
    kind: singleLine(1024),
    absent: "the endpoint's choice",
    doc: 'Scopes to request, separated by spaces.',
  }),
  tokenFile: optional({
    name: 'TICKER_KAFKA_OAUTH_TOKEN_FILE',
    kind: readableFile,
    absent: 'none',
    doc: 'File with an access token, instead of an endpoint; read for every authentication.',
  }),
}
