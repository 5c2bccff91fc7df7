/**
 * What an operator should check when a broker could not be reached, or refused. To be appended to the error's
 * message; empty if the message says enough.
 */
export function adviceOn(thrown: unknown): string {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    const { message } = error
    const found = advices.find(({ when }) => when.test(`${codeOf(error)} ${message}`))
    if (found !== undefined) return `; ${found.advice}`
  }
  return ''
}

/** The code of an error of the system or of OpenSSL, or Kafka's name for its own. */
function codeOf(error: Error): string {
  return ['code', 'type'].map(name => String(Reflect.get(error, name) ?? '')).join(' ')
}

const trustAdvice =
  "check TICKER_KAFKA_TLS_CA_FILE: it has to hold the authority that signed the brokers' certificates"
const clientAdvice =
  'the broker wants a certificate it knows: check TICKER_KAFKA_TLS_CERT_FILE and TICKER_KAFKA_TLS_KEY_FILE'

/** The first match counts. */
const advices: readonly { readonly when: RegExp; readonly advice: string }[] = [
  {
    when: /OAUTHBEARER/,
    advice: '',
  },
  {
    when: /SASL (?:PLAIN|SCRAM \S+) authentication failed|SASL_AUTHENTICATION_FAILED/i,
    advice: 'check TICKER_KAFKA_SASL_USERNAME, TICKER_KAFKA_SASL_PASSWORD and TICKER_KAFKA_SASL_MECHANISM',
  },
  {
    when: /UNSUPPORTED_SASL_MECHANISM|mechanism is not supported/,
    advice: 'check TICKER_KAFKA_SASL_MECHANISM: the broker does not offer it on this port',
  },
  {
    when: /UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER|SELF_SIGNED|self-signed|issuer certificate/,
    advice: trustAdvice,
  },
  {
    when: /CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/,
    advice: "the broker's certificate has to be renewed, or this machine's clock is wrong",
  },
  {
    when: /ALTNAME_INVALID|does not match certificate/,
    advice: "the broker's certificate is for another name: check TICKER_KAFKA_TLS_SERVER_NAME",
  },
  {
    when: /alert (?:certificate required|bad certificate|unknown ca|certificate unknown|handshake failure)/i,
    advice: clientAdvice,
  },
  {
    when: /wrong version number|packet length too long|disconnected before secure TLS|ERR_SSL_/i,
    advice: 'perhaps this port speaks no TLS: check TICKER_KAFKA_BROKERS and TICKER_KAFKA_TLS',
  },
  {
    when: /Closed connection/,
    advice: 'brokers also do so to a client that lacks TLS, a certificate or SASL',
  },
  {
    when: /CLUSTER_AUTHORIZATION_FAILED/,
    advice: 'the user needs the ACL Write on a topic, or IdempotentWrite on the cluster',
  },
  { when: /TOPIC_AUTHORIZATION_FAILED/, advice: 'the user needs the ACLs Write and Describe on the topic' },
  {
    when: /MESSAGE_TOO_LARGE|RECORD_LIST_TOO_LARGE/,
    advice: "the record is larger than the topic's max.message.bytes, or than its segment.bytes",
  },
]
