import { onTestFinished } from 'vitest'
import type { KafkaConfig } from '../../../../src/config/config.ts'
import { readLogConfig } from '../../../../src/config/config-reader.ts'
import { createKafkaLog, type KafkaLog } from '../../../../src/log/kafka/kafka-log.ts'
import type { Topics } from '../../../../src/log/topics.ts'
import type { SecuredKafka } from './secured-kafka.ts'
import type { StartedEndpoint } from './token-endpoint.ts'

/** What the secured broker's users say to PLAIN and SCRAM, by name. */
export const passwords = {
  gateway: 'password-of-gateway',
  reader: 'password-of-reader',
  publisher: 'password-of-publisher',
  onlooker: 'password-of-onlooker',
  nobody: 'password-of-nobody',
} as const

/** How long these logs try to append. */
export const appendTimeoutMs = 8000

/** A log, and what it has logged. */
export interface SecuredLog {
  readonly log: KafkaLog
  readonly messages: readonly string[]
}

/**
 * Opens a log on the secured broker as the gateway and the publish command do, by variables; they win over
 * the address of the listener for SASL and over the authority. The test's end closes it.
 */
export function openSecuredLog(options: {
  readonly kafka: SecuredKafka
  readonly topics: Topics
  readonly variables: Readonly<Record<string, string>>
}): SecuredLog {
  const messages: string[] = []
  const logger = { warn: (_: object, message: string) => void messages.push(message) }
  const { topics } = options
  const log = createKafkaLog({
    ...securedAccess(options),
    topics,
    logger,
    lookUpIntervalMs: 300,
    appendTimeoutMs,
  })
  onTestFinished(() => log.close())
  return { log, messages }
}

/** The way to the secured broker by these variables, which win over what they leave out. */
export function securedAccess(options: {
  readonly kafka: SecuredKafka
  readonly variables: Readonly<Record<string, string>>
}): KafkaConfig {
  const { kafka, variables } = options
  const { log } = readLogConfig({
    TICKER_KAFKA_BROKERS: kafka.sasl,
    TICKER_KAFKA_TLS_CA_FILE: kafka.authority.certificateFile,
    ...variables,
  })
  if (log.kind !== 'kafka') throw new TypeError('no Kafka')
  return log
}

/** The variables of a user with a password. */
export function passwordOf(user: keyof typeof passwords, mechanism = 'PLAIN'): Record<string, string> {
  return {
    TICKER_KAFKA_SASL_MECHANISM: mechanism,
    TICKER_KAFKA_SASL_USERNAME: user,
    TICKER_KAFKA_SASL_PASSWORD: passwords[user],
  }
}

/** The variables of a client of a token endpoint. */
export function tokensOf(endpoint: StartedEndpoint): Record<string, string> {
  return {
    TICKER_KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
    TICKER_KAFKA_OAUTH_TOKEN_URL: endpoint.url,
    TICKER_KAFKA_OAUTH_CLIENT_ID: 'gateway',
    TICKER_KAFKA_OAUTH_CLIENT_SECRET: 'password-of',
  }
}
