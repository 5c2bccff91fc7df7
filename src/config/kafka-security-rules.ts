import { isLoopback } from '../auth/loopback.ts'
import { passwordMechanisms } from '../log/kafka/kafka-security.ts'
import { checkAuthorities, checkCertificate } from './certificate-rule.ts'
import { kafkaSaslVariables, kafkaTlsVariables } from './kafka-security-variables.ts'
import { kafkaVariables } from './log-variables.ts'
import type { Reading } from './reading.ts'
import { generalVariables } from './stream-variables.ts'
import type { Variable } from './variable.ts'

/** Adds the faults that the variables of the way to Kafka have together. */
export function checkKafkaSecurity(reading: Reading): void {
  checkTls(reading)
  checkSasl(reading)
  checkSecretsOnTheWay(reading)
}

/** Whether brokers are spoken to in TLS. */
export function hasKafkaTls(reading: Reading): boolean {
  const { mode, ...others } = kafkaTlsVariables
  const stated = reading.value(mode)
  return stated === undefined ? isAnySet(reading, Object.values(others)) : stated === 'on'
}

function checkTls(reading: Reading): void {
  const { mode, certificateFile, keyFile, ...others } = kafkaTlsVariables
  if (reading.value(mode) === 'off') {
    for (const variable of [certificateFile, keyFile, ...Object.values(others)]) {
      refuse(reading, variable, 'is for TLS, which TICKER_KAFKA_TLS=off turns off; unset one of them')
    }
  }
  checkCertificate(reading, kafkaTlsVariables)
  checkAuthorities(reading, kafkaTlsVariables.authorityFile)
}

function checkSasl(reading: Reading): void {
  const { mechanism, username, password, ...oauth } = kafkaSaslVariables
  if (reading.isWrong(mechanism)) return
  const chosen = reading.value(mechanism)
  const passwords = passwordMechanisms.join(' or ')
  if (chosen !== 'OAUTHBEARER') refuseFor(reading, Object.values(oauth), 'OAUTHBEARER')
  if (chosen === undefined || chosen === 'OAUTHBEARER') refuseFor(reading, [username, password], passwords)
  if (chosen === 'OAUTHBEARER') checkTokens(reading)
  else if (chosen !== undefined) demand(reading, [username, password], `${mechanism.name}=${chosen}`)
}

function refuseFor(reading: Reading, variables: readonly Variable<unknown>[], others: string): void {
  const { mechanism } = kafkaSaslVariables
  const chosen = reading.value(mechanism)
  const rule =
    chosen === undefined
      ? `needs ${mechanism.name} beside it, for ${others}`
      : `is for ${others}, not for ${chosen}; unset it`
  for (const variable of variables) refuse(reading, variable, rule)
}

function checkTokens(reading: Reading): void {
  const { mechanism, tokenUrl, clientId, clientSecret, scope, tokenFile } = kafkaSaslVariables
  const endpoint = [tokenUrl, clientId, clientSecret]
  if (reading.isSet(tokenFile)) {
    for (const variable of [...endpoint, scope]) {
      refuse(reading, variable, `is for an endpoint, which ${tokenFile.name} replaces; unset one of them`)
    }
  } else if (isAnySet(reading, [...endpoint, scope])) {
    demand(reading, endpoint, 'a token endpoint')
  } else {
    reading.fault(mechanism, `needs ${tokenUrl.name} or ${tokenFile.name}`)
  }
}

/** What these mechanisms send is as good as the secret itself to whoever reads it on the way. */
function checkSecretsOnTheWay(reading: Reading): void {
  const { mechanism } = kafkaSaslVariables
  const chosen = reading.value(mechanism)
  if (chosen !== 'PLAIN' && chosen !== 'OAUTHBEARER') return
  if (reading.value(generalVariables.mode) !== 'production' || hasKafkaTls(reading)) return
  if (reading.isWrong(kafkaTlsVariables.mode)) return
  const brokers = reading.value(kafkaVariables.brokers) ?? []
  if (brokers.every(broker => isLoopback(broker.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')))) return
  reading.fault(mechanism, 'sends its secret readable to anyone on the way; set TICKER_KAFKA_TLS=on')
}

function demand(reading: Reading, variables: readonly Variable<unknown>[], purpose: string): void {
  for (const variable of variables) {
    if (!reading.isSet(variable))
      reading.fault(variable, `required for ${purpose}: ${variable.kind.expected}`)
  }
}

function refuse(reading: Reading, variable: Variable<unknown>, rule: string): void {
  if (reading.isSet(variable)) reading.fault(variable, rule)
}

function isAnySet(reading: Reading, variables: readonly Variable<unknown>[]): boolean {
  return variables.some(variable => reading.isSet(variable))
}
