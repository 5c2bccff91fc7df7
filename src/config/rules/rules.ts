import { isLoopback, parseIpAddress } from '../../system/ip-address.ts'
import type { VariableReader } from '../variable-reader.ts'
import { variables } from '../variables/all-variables.ts'
import { authVariables } from '../variables/auth-variables.ts'
import {
  adminVariables,
  generalVariables,
  streamVariables,
  operationsVariables,
} from '../variables/listener-variables.ts'
import {
  deadLetterVariables,
  demoVariables,
  embeddedVariables,
  kafkaVariables,
  topicVariables,
} from '../variables/log-variables.ts'
import type { Variable } from '../variables/variable.ts'
import { checkCertificate } from './certificate-rule.ts'
import { checkKafkaSecurity } from './kafka-security-rules.ts'
import { checkLimits } from './limit-rules.ts'

/** Adds the faults that variables have only together. */
export function checkRules(reader: VariableReader): void {
  checkPorts(reader)
  checkAdministration(reader)
  checkCertificate(reader, streamVariables)
  checkTopics(reader)
  checkDeadLetters(reader)
  checkKafkaSecurity(reader)
  checkKeys(reader)
  checkLimits(reader)
  // A wrong mode requires nothing in particular.
  if (reader.isInvalid(generalVariables.mode)) return
  if (reader.value(generalVariables.mode) === 'production') checkProduction(reader)
  else checkDevelopment(reader)
}

/** Adds the faults of the log's variables; for commands that run no gateway. */
export function checkLogRules(reader: VariableReader): void {
  checkTopics(reader)
  checkKafkaSecurity(reader)
  if (reader.isInvalid(generalVariables.mode)) return
  const hasBrokers = reader.isSet(kafkaVariables.brokers)
  if (reader.value(generalVariables.mode) === 'development') {
    if (hasBrokers) checkKafkaInDevelopment(reader)
    return
  }
  for (const variable of Object.values(embeddedVariables)) {
    if (reader.isSet(variable)) reader.fault(variable, developmentOnly)
  }
  if (!hasBrokers) {
    reader.fault(
      kafkaVariables.brokers,
      `required in production: ${kafkaVariables.brokers.kind.expected}; development has a log of its own`,
    )
  }
}

function checkProduction(reader: VariableReader): void {
  for (const variable of variables) {
    if (variable.isForDevelopment && reader.isSet(variable)) reader.fault(variable, developmentOnly)
    if (variable.isRequired && !reader.isSet(variable)) {
      reader.fault(variable, `required in production: ${variable.kind.expected}`)
    }
  }
  if (reader.value(demoVariables.feed) === 'on') reader.fault(demoVariables.feed, developmentOnly)
  if (reader.value(streamVariables.selfSigned) === 'yes') {
    reader.fault(streamVariables.selfSigned, developmentOnly)
  }
  if (!reader.isSet(authVariables.keySetUrl) && !reader.isSet(authVariables.publicKey)) {
    reader.fault(authVariables.keySetUrl, 'required in production, or TICKER_JWT_PUBLIC_KEY')
  }
  checkPlaintext(reader)
}

const developmentOnly =
  'exists only in development; unset it, or set TICKER_MODE=development on your own machine'

/** What a delayed feed has to give must still be in the embedded log; Kafka's topics are not ours to ask. */
function checkRetention(reader: VariableReader): void {
  const { retentionMs: retention } = embeddedVariables
  const { feeds } = generalVariables
  if (reader.isInvalid(feeds) || reader.isInvalid(retention)) return
  const retentionMs = reader.value(retention)
  const late = reader.value(feeds).find(({ delayMs }) => delayMs >= retentionMs)
  if (late === undefined) return
  reader.fault(
    feeds,
    `${late.name} is ${late.delayMs} ms late, but the embedded log drops events after ` +
      `${retention.name}=${retentionMs}: lower the delay, or raise that`,
  )
}

/** DESIGN §6: plain `ws` stays on loopback unless the operator protects the rest of the way. */
function checkPlaintext(reader: VariableReader): void {
  const { host, certificateFile, keyFile, trustedProxies } = streamVariables
  if (isLoopback(reader.value(host)) || reader.isSet(trustedProxies)) return
  if (reader.isSet(certificateFile) || reader.isSet(keyFile)) return
  reader.fault(
    host,
    'not loopback, and tokens would pass unencrypted; set TICKER_TLS_CERT_FILE and TICKER_TLS_KEY_FILE, or ' +
      'TICKER_TRUSTED_PROXIES if proxies terminate TLS',
  )
}

function checkDevelopment(reader: VariableReader): void {
  const { host, selfSigned, certificateFile } = streamVariables
  if (!isLoopback(reader.value(host))) {
    reader.fault(
      host,
      'development listens on loopback only, because its pages and keys admit anyone; set ' +
        'TICKER_MODE=production, or unset it',
    )
  }
  if (reader.value(selfSigned) === 'yes' && reader.isSet(certificateFile)) {
    reader.fault(selfSigned, 'TICKER_TLS_CERT_FILE is set as well; unset one of them')
  }
  if (reader.isSet(kafkaVariables.brokers)) checkKafkaInDevelopment(reader)
  else checkRetention(reader)
  const { keySetUrl, publicKey, issuer, audience, algorithms } = authVariables
  const hasKey = reader.isSet(keySetUrl) || reader.isSet(publicKey)
  for (const variable of [issuer, audience]) {
    if (hasKey && !reader.isSet(variable)) reader.fault(variable, 'required with a key of your own')
  }
  for (const variable of [issuer, audience, algorithms]) {
    if (!hasKey && reader.isSet(variable)) {
      reader.fault(
        variable,
        'development tokens have their own; unset it, or set TICKER_JWT_JWKS_URL or TICKER_JWT_PUBLIC_KEY',
      )
    }
  }
}

function checkKafkaInDevelopment(reader: VariableReader): void {
  const rule = 'belongs to the embedded log, which TICKER_KAFKA_BROKERS replaces; unset one of them'
  for (const variable of [...Object.values(embeddedVariables), demoVariables.seed]) {
    if (reader.isSet(variable)) reader.fault(variable, rule)
  }
  if (reader.value(demoVariables.feed) === 'on') reader.fault(demoVariables.feed, rule)
}

function checkAdministration(reader: VariableReader): void {
  const { token, host, port } = adminVariables
  if (reader.isSet(token)) return
  for (const variable of [host, port]) {
    if (reader.isSet(variable)) {
      reader.fault(
        variable,
        'there is no administration listener without TICKER_ADMIN_TOKEN; set it, or unset this',
      )
    }
  }
}

function checkTopics(reader: VariableReader): void {
  const first = new Map<string, Variable<string>>()
  for (const variable of Object.values(topicVariables)) {
    const name = reader.value(variable)
    const other = first.get(kafkaMetricName(name))
    if (other === undefined) first.set(kafkaMetricName(name), variable)
    else if (reader.value(other) !== name) reader.fault(variable, topicCollision(other, reader.value(other)))
    else reader.fault(variable, `"${name}" is the topic of ${other.name} as well; each stream needs its own`)
  }
}

/**
 * Kafka refuses a topic whose name differs from another's only in these characters, because its metrics would
 * coincide.
 */
function kafkaMetricName(topic: string): string {
  return topic.replaceAll('.', '_')
}

function topicCollision(other: Variable<unknown>, name: string): string {
  return `differs from ${other.name}=${name} only in "." and "_", one topic for Kafka; rename one of them`
}

function checkDeadLetters(reader: VariableReader): void {
  const variable = deadLetterVariables.topic
  const topic = reader.value(variable)
  if (topic === undefined) return
  for (const stream of Object.values(topicVariables)) {
    const name = reader.value(stream)
    if (kafkaMetricName(name) !== kafkaMetricName(topic)) continue
    const copied = `"${topic}" is the topic of ${stream.name} as well; copies there would be read as events`
    reader.fault(variable, name === topic ? copied : topicCollision(stream, name))
  }
  if (reader.value(generalVariables.mode) === 'development' && !reader.isSet(kafkaVariables.brokers)) {
    reader.fault(variable, 'the embedded log keeps no dead letters; set TICKER_KAFKA_BROKERS, or unset it')
  }
}

function checkKeys(reader: VariableReader): void {
  const { keySetUrl, publicKey, algorithms } = authVariables
  if (reader.isSet(keySetUrl) && reader.isSet(publicKey)) {
    reader.fault(keySetUrl, 'TICKER_JWT_PUBLIC_KEY is set as well; unset one of them')
  }
  const key = reader.value(publicKey)
  const allowed = reader.value(algorithms)
  if (key === undefined || key.algorithms.some(algorithm => allowed.includes(algorithm))) return
  const fitting = key.algorithms.join(' or ')
  reader.fault(
    publicKey,
    `the key is for ${fitting}, which TICKER_JWT_ALGORITHMS does not include; add it there`,
  )
}

interface ListenerVariables {
  readonly host: Variable<string>
  readonly port: Variable<number>
}

/** Adds a fault where two listeners have the same port; on different addresses they may. */
function checkPorts(reader: VariableReader): void {
  const before: ListenerVariables[] = []
  const listeners = [streamVariables, operationsVariables]
  for (const listener of reader.isSet(adminVariables.token) ? [...listeners, adminVariables] : listeners) {
    const port = reader.value(listener.port)
    const other = before.find(
      earlier =>
        port !== 0 &&
        port === reader.value(earlier.port) &&
        overlap(reader.value(listener.host), reader.value(earlier.host)),
    )
    if (other === undefined) before.push(listener)
    else reader.fault(listener.port, `is the same port as ${other.port.name}; change one of them`)
  }
}

/** Whether a connection could reach both listeners: one on a wildcard address listens on all. */
function overlap(one: string, other: string): boolean {
  return addressesOf(one).some(first =>
    addressesOf(other).some(
      second => first === second || includesAddress(first, second) || includesAddress(second, first),
    ),
  )
}

/** `::` includes IPv4. */
function includesAddress(all: string, address: string): boolean {
  return all === '::' || (all === '0.0.0.0' && !address.includes(':'))
}

/** Fastify listens on both addresses of localhost. */
function addressesOf(host: string): readonly string[] {
  if (host.toLowerCase() === 'localhost') return ['127.0.0.1', '::1']
  return [parseIpAddress(host)?.toString() ?? host.toLowerCase()]
}
