import type { Mechanism, SASLOptions } from 'kafkajs'
import { createAccessTokens } from './access-tokens.ts'
import type { KafkaSasl } from './kafka-security.ts'
import { oauthBearer } from './oauth-bearer.ts'

/** SASL as kafkajs wants it. Access tokens are remembered by the result: one serves all connections. */
export function saslOptions(sasl: KafkaSasl): SASLOptions | Mechanism {
  if (sasl.mechanism === 'OAUTHBEARER') return oauthBearer(createAccessTokens(sasl.tokens))
  const credentials = { username: sasl.username, password: sasl.password.reveal() }
  if (sasl.mechanism === 'PLAIN') return { mechanism: 'plain', ...credentials }
  if (sasl.mechanism === 'SCRAM-SHA-256') return { mechanism: 'scram-sha-256', ...credentials }
  return { mechanism: 'scram-sha-512', ...credentials }
}
