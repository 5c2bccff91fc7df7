import { generateKeyPairSync } from 'node:crypto'
import { ConfigError } from '../../src/config/variable-reader.ts'
import { readConfig } from '../../src/config/config-reader.ts'

/** The least that production starts with. */
export const production = {
  TICKER_KAFKA_BROKERS: 'kafka-1:9092,kafka-2:9092',
  TICKER_JWT_JWKS_URL: 'https://issuer.example/keys',
  TICKER_JWT_ISSUER: 'https://issuer.example',
  TICKER_JWT_AUDIENCE: 'ticker',
} as const

export const development = { TICKER_MODE: 'development' } as const

/**
 * The faults of an environment; none where it is right. Fails on anything thrown that is not a `ConfigError`.
 */
export function faultsOf(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  try {
    readConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

/** A new P-256 key pair as PEM and JWK. */
export function keyTexts(): { publicPem: string; privatePem: string; publicJwk: string; privateJwk: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return {
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }),
    privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    publicJwk: JSON.stringify(publicKey.export({ format: 'jwk' })),
    privateJwk: JSON.stringify(privateKey.export({ format: 'jwk' })),
  }
}
