import { developmentIdentity } from '../auth/development-token.ts'
import type { Topics } from '../log/topics.ts'
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
import type { Environment } from './environment.ts'
import type { Mode } from './mode.ts'
import { kafkaSasl, kafkaTls } from './rules/kafka-security-rules.ts'
import { checkLogRules, checkRules } from './rules/rules.ts'
import { ConfigError, VariableReader } from './variable-reader.ts'
import { authVariables } from './variables/auth-variables.ts'
import { kafkaSaslVariables, kafkaTlsVariables } from './variables/kafka-security-variables.ts'
import { limitVariables, publishVariables } from './variables/limit-variables.ts'
import {
  adminVariables,
  generalVariables,
  operationsVariables,
  streamVariables,
} from './variables/listener-variables.ts'
import {
  deadLetterVariables,
  demoVariables,
  embeddedVariables,
  ingestVariables,
  kafkaVariables,
  topicVariables,
} from './variables/log-variables.ts'
import type { Variable } from './variables/variable.ts'

/**
 * Reads the configuration from the `TICKER_*` variables of an environment, normally `process.env`; an empty
 * variable counts as absent. Throws a `ConfigError` that lists every fault, and nothing else.
 */
export function readConfig(env: Environment): Config {
  const reader = new VariableReader(env)
  checkRules(reader)
  if (reader.faults.length > 0) throw new ConfigError(reader.faults)
  const mode = reader.value(generalVariables.mode)
  const log = logConfig(reader)
  return {
    mode,
    logLevel: reader.value(generalVariables.logLevel),
    workers: reader.value(generalVariables.workers),
    feeds: reader.value(generalVariables.feeds),
    stream: streamConfig(reader, mode),
    operations: {
      host: reader.value(operationsVariables.host),
      port: reader.value(operationsVariables.port),
    },
    administration: administrationConfig(reader),
    log,
    topics: topicsConfig(reader),
    deadLetterTopic: reader.value(deadLetterVariables.topic),
    demo: log.kind === 'embedded' ? demoConfig(reader) : undefined,
    ingest: reader.values(ingestVariables),
    auth: authConfig(reader),
    limits: limitsConfig(reader, mode),
    publish: reader.values(publishVariables),
  }
}

/** Reads the mode alone, for commands that need nothing else. Throws a `ConfigError`. */
export function readMode(env: Environment): Mode {
  return readOne(env, generalVariables.mode)
}

/** Reads the size of the largest event alone, for commands that need no log. Throws a `ConfigError`. */
export function readMaxEventBytes(env: Environment): number {
  return readOne(env, ingestVariables.maxEventBytes)
}

function readOne<T>(env: Environment, variable: Variable<T>): T {
  const reader = new VariableReader({ [variable.name]: env[variable.name] })
  if (reader.faults.length > 0) throw new ConfigError(reader.faults)
  return reader.value(variable)
}

/**
 * Reads the configuration of the log alone, for commands that append to it. Variables for gateways are
 * neither required nor checked, but an unknown `TICKER_*` name is a fault here, too. Throws a `ConfigError`.
 */
export function readLogConfig(env: Environment): LogConfig {
  const reader = new VariableReader(
    env,
    logSections.flatMap(section => Object.values(section)),
  )
  checkLogRules(reader)
  if (reader.faults.length > 0) throw new ConfigError(reader.faults)
  return {
    log: logConfig(reader),
    topics: topicsConfig(reader),
    maxEventBytes: reader.value(ingestVariables.maxEventBytes),
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

function topicsConfig(reader: VariableReader): Topics {
  return {
    trades: reader.value(topicVariables.trades),
    quotes: reader.value(topicVariables.quotes),
    bars: reader.value(topicVariables.bars),
    statuses: reader.value(topicVariables.statuses),
    news: reader.value(topicVariables.news),
  }
}

function administrationConfig(reader: VariableReader): AdministrationConfig | undefined {
  const { token, ...listener } = reader.values(adminVariables)
  return token === undefined ? undefined : { ...listener, token }
}

function streamConfig(reader: VariableReader, mode: Mode): StreamConfig {
  const { host, port, allowedOrigins, trustedProxies } = streamVariables
  const byDefault = mode === 'development' ? 'loopback' : new Set<string>()
  return {
    host: reader.value(host),
    port: reader.value(port),
    protection: protection(reader),
    trustedProxies: reader.value(trustedProxies) ?? [],
    allowedOrigins: reader.value(allowedOrigins) ?? byDefault,
  }
}

function protection(reader: VariableReader): Protection {
  const certificateFile = reader.value(streamVariables.certificateFile)
  const keyFile = reader.value(streamVariables.keyFile)
  if (certificateFile !== undefined && keyFile !== undefined) return { kind: 'tls', certificateFile, keyFile }
  return { kind: reader.value(streamVariables.selfSigned) === 'yes' ? 'self-signed' : 'plain' }
}

/** The rules have already refused production without brokers. */
function logConfig(reader: VariableReader): KafkaConfig | EmbeddedConfig {
  const brokers = reader.value(kafkaVariables.brokers)
  if (brokers !== undefined) {
    const clientId = reader.value(kafkaVariables.clientId)
    return { kind: 'kafka', brokers, clientId, tls: kafkaTls(reader), sasl: kafkaSasl(reader) }
  }
  return {
    kind: 'embedded',
    path: reader.value(embeddedVariables.path),
    retentionBytes: reader.value(embeddedVariables.retentionBytes),
    retentionMs: reader.value(embeddedVariables.retentionMs),
  }
}

function demoConfig(reader: VariableReader): DemoConfig | undefined {
  return reader.value(demoVariables.feed) === 'off' ? undefined : { seed: reader.value(demoVariables.seed) }
}

/** The identity of development tokens is used only with the development key; `checkRules` ensures that. */
function authConfig(reader: VariableReader): AuthConfig {
  const url = reader.value(authVariables.keySetUrl)
  const local = reader.value(authVariables.publicKey)
  const clockToleranceS = reader.value(authVariables.clockToleranceS)
  const issuer = reader.value(authVariables.issuer) ?? developmentIdentity.issuer
  const audience = reader.value(authVariables.audience) ?? developmentIdentity.audience
  const allowed = reader.value(authVariables.algorithms)
  if (url !== undefined) {
    const keys = { kind: 'jwks', url, maxStaleMs: reader.value(authVariables.maxStaleS) * 1000 } as const
    return { keys, issuer, audience, algorithms: allowed, clockToleranceS }
  }
  if (local !== undefined) {
    const algorithms = local.algorithms.filter(algorithm => allowed.includes(algorithm))
    return { keys: { kind: 'public', key: local.key }, issuer, audience, algorithms, clockToleranceS }
  }
  return { keys: { kind: 'development' }, ...developmentIdentity, clockToleranceS }
}

function limitsConfig(reader: VariableReader, mode: Mode): LimitsConfig {
  const values = reader.values(limitVariables)
  return { ...values, drainMs: values.drainMs ?? (mode === 'development' ? 500 : 5000) }
}
