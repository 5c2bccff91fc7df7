import { ConfigError } from './config-error.ts'
import type { KafkaSasl, KafkaTls } from '../log/kafka/kafka-security.ts'
import { hasKafkaTls } from './kafka-security-rules.ts'
import { kafkaSaslVariables, kafkaTlsVariables } from './kafka-security-variables.ts'
import type { Reading } from './reading.ts'
import type { Variable } from './variable.ts'

/** TLS to the brokers, from a reading without faults; `undefined`: none. */
export function kafkaTls(reading: Reading): KafkaTls | undefined {
  if (!hasKafkaTls(reading)) return undefined
  const certificateFile = reading.value(kafkaTlsVariables.certificateFile)
  const keyFile = reading.value(kafkaTlsVariables.keyFile)
  return {
    authorityFile: reading.value(kafkaTlsVariables.authorityFile),
    client: certificateFile === undefined || keyFile === undefined ? undefined : { certificateFile, keyFile },
    serverName: reading.value(kafkaTlsVariables.serverName),
  }
}

/** SASL to the brokers, from a reading without faults; `undefined`: none. */
export function kafkaSasl(reading: Reading): KafkaSasl | undefined {
  const mechanism = reading.value(kafkaSaslVariables.mechanism)
  if (mechanism === undefined) return undefined
  if (mechanism !== 'OAUTHBEARER') {
    return {
      mechanism,
      username: present(reading, kafkaSaslVariables.username),
      password: present(reading, kafkaSaslVariables.password),
    }
  }
  const path = reading.value(kafkaSaslVariables.tokenFile)
  if (path !== undefined) return { mechanism, tokens: { kind: 'file', path } }
  return {
    mechanism,
    tokens: {
      kind: 'endpoint',
      url: present(reading, kafkaSaslVariables.tokenUrl),
      clientId: present(reading, kafkaSaslVariables.clientId),
      clientSecret: present(reading, kafkaSaslVariables.clientSecret),
      scope: reading.value(kafkaSaslVariables.scope),
    },
  }
}

/** `checkKafkaSecurity` has seen to it that it is there. */
function present<T>(reading: Reading, variable: Variable<T | undefined>): T {
  const value = reading.value(variable)
  if (value === undefined) throw new ConfigError([`${variable.name}: required`])
  return value
}
