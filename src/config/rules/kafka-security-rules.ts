import { type KafkaSasl, type KafkaTls, passwordMechanisms } from '../../log/kafka/connection/kafka-access.ts'
import { isLoopback } from '../../system/ip-address.ts'
import { ConfigError, type VariableReader } from '../variable-reader.ts'
import { kafkaSaslVariables, kafkaTlsVariables } from '../variables/kafka-security-variables.ts'
import { generalVariables } from '../variables/listener-variables.ts'
import { kafkaVariables } from '../variables/log-variables.ts'
import type { Variable } from '../variables/variable.ts'
import { checkAuthorities, checkCertificate } from './certificate-rule.ts'

/** Adds the faults of the variables for the connection to Kafka together. */
export function checkKafkaSecurity(reader: VariableReader): void {
  checkTls(reader)
  checkSasl(reader)
  checkUnencryptedSecrets(reader)
}

/** Whether connections to brokers use TLS. */
function hasKafkaTls(reader: VariableReader): boolean {
  const { mode, ...others } = kafkaTlsVariables
  const stated = reader.value(mode)
  return stated === undefined ? isAnySet(reader, Object.values(others)) : stated === 'on'
}

function checkTls(reader: VariableReader): void {
  const { mode, certificateFile, keyFile, ...others } = kafkaTlsVariables
  if (reader.value(mode) === 'off') {
    for (const variable of [certificateFile, keyFile, ...Object.values(others)]) {
      refuse(reader, variable, 'is for TLS, which TICKER_KAFKA_TLS=off turns off; unset one of them')
    }
  }
  checkCertificate(reader, kafkaTlsVariables)
  checkAuthorities(reader, kafkaTlsVariables.authorityFile)
}

function checkSasl(reader: VariableReader): void {
  const { mechanism, username, password, ...oauth } = kafkaSaslVariables
  if (reader.isInvalid(mechanism)) return
  const chosen = reader.value(mechanism)
  const passwords = passwordMechanisms.join(' or ')
  if (chosen !== 'OAUTHBEARER') refuseFor(reader, Object.values(oauth), 'OAUTHBEARER')
  if (chosen === undefined || chosen === 'OAUTHBEARER') refuseFor(reader, [username, password], passwords)
  if (chosen === 'OAUTHBEARER') checkTokens(reader)
  else if (chosen !== undefined) requireAll(reader, [username, password], `${mechanism.name}=${chosen}`)
}

function refuseFor(reader: VariableReader, variables: readonly Variable<unknown>[], others: string): void {
  const { mechanism } = kafkaSaslVariables
  const chosen = reader.value(mechanism)
  const rule =
    chosen === undefined
      ? `needs ${mechanism.name} as well, for ${others}`
      : `is for ${others}, not for ${chosen}; unset it`
  for (const variable of variables) refuse(reader, variable, rule)
}

function checkTokens(reader: VariableReader): void {
  const { mechanism, tokenUrl, clientId, clientSecret, scope, tokenFile } = kafkaSaslVariables
  const endpoint = [tokenUrl, clientId, clientSecret]
  if (reader.isSet(tokenFile)) {
    for (const variable of [...endpoint, scope]) {
      refuse(reader, variable, `is for an endpoint, which ${tokenFile.name} replaces; unset one of them`)
    }
  } else if (isAnySet(reader, [...endpoint, scope])) {
    requireAll(reader, endpoint, 'a token endpoint')
  } else {
    reader.fault(mechanism, `needs ${tokenUrl.name} or ${tokenFile.name}`)
  }
}

/** Refuses mechanisms that send their secret, or as much as it, on an unencrypted connection. */
function checkUnencryptedSecrets(reader: VariableReader): void {
  const { mechanism } = kafkaSaslVariables
  const chosen = reader.value(mechanism)
  if (chosen !== 'PLAIN' && chosen !== 'OAUTHBEARER') return
  if (reader.value(generalVariables.mode) !== 'production' || hasKafkaTls(reader)) return
  if (reader.isInvalid(kafkaTlsVariables.mode)) return
  const brokers = reader.value(kafkaVariables.brokers) ?? []
  if (brokers.every(broker => isLoopback(broker.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')))) return
  reader.fault(mechanism, 'sends its secret unencrypted; set TICKER_KAFKA_TLS=on')
}

function requireAll(reader: VariableReader, variables: readonly Variable<unknown>[], purpose: string): void {
  for (const variable of variables) {
    if (!reader.isSet(variable)) reader.fault(variable, `required for ${purpose}: ${variable.kind.expected}`)
  }
}

function refuse(reader: VariableReader, variable: Variable<unknown>, rule: string): void {
  if (reader.isSet(variable)) reader.fault(variable, rule)
}

function isAnySet(reader: VariableReader, variables: readonly Variable<unknown>[]): boolean {
  return variables.some(variable => reader.isSet(variable))
}

/** Returns TLS to the brokers, from a reader without faults; `undefined`: none. */
export function kafkaTls(reader: VariableReader): KafkaTls | undefined {
  if (!hasKafkaTls(reader)) return undefined
  const certificateFile = reader.value(kafkaTlsVariables.certificateFile)
  const keyFile = reader.value(kafkaTlsVariables.keyFile)
  return {
    authorityFile: reader.value(kafkaTlsVariables.authorityFile),
    client: certificateFile === undefined || keyFile === undefined ? undefined : { certificateFile, keyFile },
    serverName: reader.value(kafkaTlsVariables.serverName),
  }
}

/** Returns SASL to the brokers, from a reader without faults; `undefined`: none. */
export function kafkaSasl(reader: VariableReader): KafkaSasl | undefined {
  const mechanism = reader.value(kafkaSaslVariables.mechanism)
  if (mechanism === undefined) return undefined
  if (mechanism !== 'OAUTHBEARER') {
    return {
      mechanism,
      username: requiredValue(reader, kafkaSaslVariables.username),
      password: requiredValue(reader, kafkaSaslVariables.password),
    }
  }
  const path = reader.value(kafkaSaslVariables.tokenFile)
  if (path !== undefined) return { mechanism, tokens: { kind: 'file', path } }
  return {
    mechanism,
    tokens: {
      kind: 'endpoint',
      url: requiredValue(reader, kafkaSaslVariables.tokenUrl),
      clientId: requiredValue(reader, kafkaSaslVariables.clientId),
      clientSecret: requiredValue(reader, kafkaSaslVariables.clientSecret),
      scope: reader.value(kafkaSaslVariables.scope),
    },
  }
}

/** Reads a value that `checkKafkaSecurity` has required. */
function requiredValue<T>(reader: VariableReader, variable: Variable<T | undefined>): T {
  const value = reader.value(variable)
  if (value === undefined) throw new ConfigError([`${variable.name}: required`])
  return value
}
