import { developmentIdentity } from '../auth/development-token.ts'
import type { Topics } from '../log/topics.ts'
import { adminVariables } from './admin-variables.ts'
import { authVariables } from './auth-variables.ts'
import type {
  AdministrationConfig,
  AuthConfig,
  Config,
  DemoConfig,
  EmbeddedConfig,
  KafkaConfig,
  LimitsConfig,
  LogConfig,
  Protection,
  StreamConfig,
} from './config.ts'
import { ConfigError } from './config-error.ts'
import {
  deadLetterVariables,
  demoVariables,
  embeddedVariables,
  ingestVariables,
  kafkaVariables,
  topicVariables,
} from './log-variables.ts'
import { kafkaSasl, kafkaTls } from './kafka-security.ts'
import { kafkaSaslVariables, kafkaTlsVariables } from './kafka-security-variables.ts'
import type { Mode } from './mode.ts'
import { publishVariables } from './publish-variables.ts'
import type { Environment } from './environment.ts'
import { Reading } from './reading.ts'
import { checkLogRules, checkRules } from './rules.ts'
import { limitVariables } from './limit-variables.ts'
import { generalVariables, operationsVariables, streamVariables } from './stream-variables.ts'
import type { Variable } from './variable.ts'

/**
 * Reads the configuration from the `TICKER_*` variables of an environment, normally `process.env`; an empty variable
 * counts as absent. Throws a `ConfigError` with every fault there is, and nothing else.
 */
export function readConfig(env: Environment): Config {
  const reading = new Reading(env)
  checkRules(reading)
  if (reading.faults.length > 0) throw new ConfigError(reading.faults)
  const mode = reading.value(generalVariables.mode)
  const log = logConfig(reading)
  return {
    mode,
    logLevel: reading.value(generalVariables.logLevel),
    workers: reading.value(generalVariables.workers),
    stream: streamConfig(reading, mode),
    operations: {
      host: reading.value(operationsVariables.host),
      port: reading.value(operationsVariables.port),
    },
    administration: administrationConfig(reading),
    log,
    topics: topicsConfig(reading),
    deadLetterTopic: reading.value(deadLetterVariables.topic),
    demo: log.kind === 'embedded' ? demoConfig(reading) : undefined,
    ingest: reading.values(ingestVariables),
    auth: authConfig(reading),
    limits: limitsConfig(reading, mode),
    publish: reading.values(publishVariables),
  }
}

/** The mode alone, for commands that need nothing else. Throws a `ConfigError` where it is neither mode. */
export function readMode(env: Environment): Mode {
  return readOne(env, generalVariables.mode)
}

/** The largest event alone, for commands that need no log. Throws a `ConfigError`. */
export function readMaxEventBytes(env: Environment): number {
  return readOne(env, ingestVariables.maxEventBytes)
}

function readOne<T>(env: Environment, variable: Variable<T>): T {
  const reading = new Reading({ [variable.name]: env[variable.name] })
  if (reading.faults.length > 0) throw new ConfigError(reading.faults)
  return reading.value(variable)
}

/**
 * The log alone, for commands that append to it. What only a gateway needs is neither demanded nor checked; a name that no
 * variable has is a fault here, too. Throws a `ConfigError`.
 */
export function readLogConfig(env: Environment): LogConfig {
  const reading = new Reading(
    env,
    logSections.flatMap(section => Object.values(section)),
  )
  checkLogRules(reading)
  if (reading.faults.length > 0) throw new ConfigError(reading.faults)
  return {
    log: logConfig(reading),
    topics: topicsConfig(reading),
    maxEventBytes: reading.value(ingestVariables.maxEventBytes),
  }
}

const logSections = [
  { mode: generalVariables.mode },
  kafkaVariables,
  kafkaTlsVariables,
  kafkaSaslVariables,
  topicVariables,
  embeddedVariables,
  demoVariables,
  { maxEventBytes: ingestVariables.maxEventBytes },
]

function topicsConfig(reading: Reading): Topics {
  return {
    trades: reading.value(topicVariables.trades),
    quotes: reading.value(topicVariables.quotes),
    bars: reading.value(topicVariables.bars),
    statuses: reading.value(topicVariables.statuses),
    news: reading.value(topicVariables.news),
  }
}

function administrationConfig(reading: Reading): AdministrationConfig | undefined {
  const { token, ...listener } = reading.values(adminVariables)
  return token === undefined ? undefined : { ...listener, token }
}

function streamConfig(reading: Reading, mode: Mode): StreamConfig {
  const { host, port, allowedOrigins, trustedProxies } = streamVariables
  const byDefault = mode === 'development' ? 'loopback' : new Set<string>()
  return {
    host: reading.value(host),
    port: reading.value(port),
    protection: protection(reading),
    trustedProxies: reading.value(trustedProxies) ?? [],
    allowedOrigins: reading.value(allowedOrigins) ?? byDefault,
  }
}

function protection(reading: Reading): Protection {
  const certificateFile = reading.value(streamVariables.certificateFile)
  const keyFile = reading.value(streamVariables.keyFile)
  if (certificateFile !== undefined && keyFile !== undefined) return { kind: 'tls', certificateFile, keyFile }
  return { kind: reading.value(streamVariables.selfSigned) === 'yes' ? 'self-signed' : 'plain' }
}

/** Production without brokers has been refused by now. */
function logConfig(reading: Reading): KafkaConfig | EmbeddedConfig {
  const brokers = reading.value(kafkaVariables.brokers)
  if (brokers !== undefined) {
    const clientId = reading.value(kafkaVariables.clientId)
    return { kind: 'kafka', brokers, clientId, tls: kafkaTls(reading), sasl: kafkaSasl(reading) }
  }
  return {
    kind: 'embedded',
    path: reading.value(embeddedVariables.path),
    retentionBytes: reading.value(embeddedVariables.retentionBytes),
    retentionMs: reading.value(embeddedVariables.retentionMs),
  }
}

function demoConfig(reading: Reading): DemoConfig | undefined {
  return reading.value(demoVariables.feed) === 'off' ? undefined : { seed: reading.value(demoVariables.seed) }
}

/** The identity of development tokens stands in only where the key does, too; `checkRules` saw to that. */
function authConfig(reading: Reading): AuthConfig {
  const url = reading.value(authVariables.keySetUrl)
  const local = reading.value(authVariables.publicKey)
  const clockToleranceS = reading.value(authVariables.clockToleranceS)
  const issuer = reading.value(authVariables.issuer) ?? developmentIdentity.issuer
  const audience = reading.value(authVariables.audience) ?? developmentIdentity.audience
  const allowed = reading.value(authVariables.algorithms)
  if (url !== undefined) {
    const keys = { kind: 'jwks', url, maxStaleMs: reading.value(authVariables.maxStaleS) * 1000 } as const
    return { keys, issuer, audience, algorithms: allowed, clockToleranceS }
  }
  if (local !== undefined) {
    const algorithms = local.algorithms.filter(algorithm => allowed.includes(algorithm))
    return { keys: { kind: 'public', key: local.key }, issuer, audience, algorithms, clockToleranceS }
  }
  return { keys: { kind: 'development' }, ...developmentIdentity, clockToleranceS }
}

function limitsConfig(reading: Reading, mode: Mode): LimitsConfig {
  const values = reading.values(limitVariables)
  return { ...values, drainMs: values.drainMs ?? (mode === 'development' ? 500 : 5000) }
}
