import { checkCertificate } from './certificate-rule.ts'
import { isLoopback } from '../auth/loopback.ts'
import { adminVariables } from './admin-variables.ts'
import { authVariables } from './auth-variables.ts'
import { checkKafkaSecurity } from './kafka-security-rules.ts'
import { checkLimits } from './limit-rules.ts'
import { checkPorts } from './listener-rules.ts'
import {
  deadLetterVariables,
  demoVariables,
  embeddedVariables,
  kafkaVariables,
  topicVariables,
} from './log-variables.ts'
import type { Reading } from './reading.ts'
import { generalVariables, streamVariables } from './stream-variables.ts'
import type { Variable } from './variable.ts'
import { variables } from './variables.ts'

/** Adds to a reading the faults that no variable has by itself, but several have together. */
export function checkRules(reading: Reading): void {
  checkPorts(reading)
  checkAdministration(reading)
  checkCertificate(reading, streamVariables)
  checkTopics(reading)
  checkDeadLetters(reading)
  checkKafkaSecurity(reading)
  checkKeys(reading)
  checkLimits(reading)
  // What a wrong mode would ask for is anyone's guess.
  if (reading.isWrong(generalVariables.mode)) return
  if (reading.value(generalVariables.mode) === 'production') checkProduction(reading)
  else checkDevelopment(reading)
}

/** The faults in what says where the log is; for commands that run no gateway. */
export function checkLogRules(reading: Reading): void {
  checkTopics(reading)
  checkKafkaSecurity(reading)
  if (reading.isWrong(generalVariables.mode)) return
  const hasBrokers = reading.isSet(kafkaVariables.brokers)
  if (reading.value(generalVariables.mode) === 'development') {
    if (hasBrokers) checkKafkaInDevelopment(reading)
    return
  }
  for (const variable of Object.values(embeddedVariables)) {
    if (reading.isSet(variable)) reading.fault(variable, developmentOnly)
  }
  if (!hasBrokers) {
    reading.fault(
      kafkaVariables.brokers,
      `required in production: ${kafkaVariables.brokers.kind.expected}; development has a log of its own`,
    )
  }
}

function checkProduction(reading: Reading): void {
  for (const variable of variables) {
    if (variable.isForDevelopment && reading.isSet(variable)) reading.fault(variable, developmentOnly)
    if (variable.isRequired && !reading.isSet(variable)) {
      reading.fault(variable, `required in production: ${variable.kind.expected}`)
    }
  }
  if (reading.value(demoVariables.feed) === 'on') reading.fault(demoVariables.feed, developmentOnly)
  if (reading.value(streamVariables.selfSigned) === 'yes') {
    reading.fault(streamVariables.selfSigned, developmentOnly)
  }
  if (!reading.isSet(authVariables.keySetUrl) && !reading.isSet(authVariables.publicKey)) {
    reading.fault(authVariables.keySetUrl, 'required in production, or TICKER_JWT_PUBLIC_KEY')
  }
  checkExposure(reading)
}

const developmentOnly =
  'exists only in development; unset it, or set TICKER_MODE=development on your own machine'

/** DESIGN §6: plain `ws` stays on loopback unless the operator answers for the rest of the way. */
function checkExposure(reading: Reading): void {
  const { host, certificateFile, keyFile, trustedProxies } = streamVariables
  if (isLoopback(reading.value(host)) || reading.isSet(trustedProxies)) return
  if (reading.isSet(certificateFile) || reading.isSet(keyFile)) return
  reading.fault(
    host,
    'not loopback, and tokens would pass unencrypted; set TICKER_TLS_CERT_FILE and TICKER_TLS_KEY_FILE, or ' +
      'TICKER_TRUSTED_PROXIES if proxies terminate TLS',
  )
}

function checkDevelopment(reading: Reading): void {
  const { host, selfSigned, certificateFile } = streamVariables
  if (!isLoopback(reading.value(host))) {
    reading.fault(
      host,
      'development listens on loopback only, for its pages and keys let anyone in; set TICKER_MODE=production or unset it',
    )
  }
  if (reading.value(selfSigned) === 'yes' && reading.isSet(certificateFile)) {
    reading.fault(selfSigned, 'TICKER_TLS_CERT_FILE is set as well; unset one of them')
  }
  if (reading.isSet(kafkaVariables.brokers)) checkKafkaInDevelopment(reading)
  const { keySetUrl, publicKey, issuer, audience, algorithms } = authVariables
  const hasKey = reading.isSet(keySetUrl) || reading.isSet(publicKey)
  for (const variable of [issuer, audience]) {
    if (hasKey && !reading.isSet(variable)) reading.fault(variable, 'required with a key of your own')
  }
  for (const variable of [issuer, audience, algorithms]) {
    if (!hasKey && reading.isSet(variable)) {
      reading.fault(
        variable,
        'development tokens have their own; unset it, or set TICKER_JWT_JWKS_URL or TICKER_JWT_PUBLIC_KEY',
      )
    }
  }
}

function checkKafkaInDevelopment(reading: Reading): void {
  const rule = 'belongs to the embedded log, which TICKER_KAFKA_BROKERS replaces; unset one of them'
  for (const variable of [...Object.values(embeddedVariables), demoVariables.seed]) {
    if (reading.isSet(variable)) reading.fault(variable, rule)
  }
  if (reading.value(demoVariables.feed) === 'on') reading.fault(demoVariables.feed, rule)
}

function checkAdministration(reading: Reading): void {
  const { token, host, port } = adminVariables
  if (reading.isSet(token)) return
  for (const variable of [host, port]) {
    if (reading.isSet(variable)) {
      reading.fault(
        variable,
        'there is no administration listener without TICKER_ADMIN_TOKEN; set it, or unset this',
      )
    }
  }
}

function checkTopics(reading: Reading): void {
  const first = new Map<string, Variable<string>>()
  for (const variable of Object.values(topicVariables)) {
    const name = reading.value(variable)
    const other = first.get(metricName(name))
    if (other === undefined) first.set(metricName(name), variable)
    else if (reading.value(other) !== name) reading.fault(variable, collision(other, reading.value(other)))
    else reading.fault(variable, `"${name}" is ${other.name} as well; each stream has a topic of its own`)
  }
}

/** Kafka makes no topic whose name differs from another's in these alone, since they are one in its metrics. */
function metricName(topic: string): string {
  return topic.replaceAll('.', '_')
}

function collision(other: Variable<unknown>, name: string): string {
  return `differs from ${other.name}=${name} only in "." and "_", and Kafka has but one of such topics; rename one of them`
}

function checkDeadLetters(reading: Reading): void {
  const variable = deadLetterVariables.topic
  const topic = reading.value(variable)
  if (topic === undefined) return
  for (const stream of Object.values(topicVariables)) {
    const name = reading.value(stream)
    if (metricName(name) !== metricName(topic)) continue
    const copied = `"${topic}" is ${stream.name} as well; copies there would be read as events`
    reading.fault(variable, name === topic ? copied : collision(stream, name))
  }
  if (reading.value(generalVariables.mode) === 'development' && !reading.isSet(kafkaVariables.brokers)) {
    reading.fault(variable, 'the embedded log keeps no dead letters; set TICKER_KAFKA_BROKERS, or unset it')
  }
}

function checkKeys(reading: Reading): void {
  const { keySetUrl, publicKey, algorithms } = authVariables
  if (reading.isSet(keySetUrl) && reading.isSet(publicKey)) {
    reading.fault(keySetUrl, 'TICKER_JWT_PUBLIC_KEY is set as well; unset one of them')
  }
  const key = reading.value(publicKey)
  const allowed = reading.value(algorithms)
  if (key === undefined || key.algorithms.some(algorithm => allowed.includes(algorithm))) return
  const fitting = key.algorithms.join(' or ')
  reading.fault(
    publicKey,
    `the key is for ${fitting}, which TICKER_JWT_ALGORITHMS does not have; add it there`,
  )
}
