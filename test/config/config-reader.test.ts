import { describe, expect, test } from 'vitest'
import { readConfig, readMode } from '../../src/config/config-reader.ts'
import { development, faultsOf, keyTexts, production } from './environment.ts'

describe('what the variables become', () => {
  test('production takes brokers, an issuer and its keys, and nothing of development', () => {
    const config = readConfig(production)
    expect(config.mode).toBe('production')
    expect(config.log).toEqual({
      kind: 'kafka',
      brokers: ['kafka-1:9092', 'kafka-2:9092'],
      clientId: 'ticker-gateway',
    })
    expect(config.auth).toEqual({
      keys: { kind: 'jwks', url: 'https://issuer.example/keys', maxStaleMs: 86_400_000 },
      issuer: 'https://issuer.example',
      audience: 'ticker',
      algorithms: ['ES256', 'EdDSA', 'RS256', 'PS256'],
      clockToleranceS: 5,
    })
    expect(config.demo).toBeUndefined()
    expect(config.stream.allowedOrigins).toEqual(new Set())
    expect(config.stream.protection).toEqual({ kind: 'plain' })
  })

  test('development needs nothing: embedded log, demo feed, generated key, loopback', () => {
    const config = readConfig(development)
    expect(config.log).toMatchObject({ kind: 'embedded', path: '.ticker/log.sqlite', retentionMs: 3_600_000 })
    expect(config.demo).toEqual({ seed: 1 })
    expect(config.auth).toMatchObject({
      keys: { kind: 'development' },
      issuer: 'ticker-development',
      algorithms: ['ES256'],
    })
    expect(config.stream).toMatchObject({ host: '127.0.0.1', port: 8080, allowedOrigins: 'loopback' })
  })

  test('development with brokers reads Kafka and has no demo feed', () => {
    const config = readConfig({ ...development, TICKER_KAFKA_BROKERS: 'localhost:9092' })
    expect(config.log.kind).toBe('kafka')
    expect(config.demo).toBeUndefined()
  })

  test('the demo feed can be turned off', () => {
    expect(readConfig({ ...development, TICKER_DEMO: 'off' }).demo).toBeUndefined()
  })

  test('an empty variable counts as absent', () => {
    expect(readConfig({ ...production, TICKER_PORT: '', TICKER_JWT_PUBLIC_KEY_FILE: '' })).toEqual(
      readConfig(production),
    )
  })

  test('a public key narrows the algorithms to those it fits', () => {
    const { TICKER_JWT_JWKS_URL: _, ...rest } = production
    const { auth } = readConfig({ ...rest, TICKER_JWT_PUBLIC_KEY: keyTexts().publicPem })
    expect(auth.algorithms).toEqual(['ES256'])
    expect(auth.keys.kind).toBe('public')
  })

  test('listed origins become a set, and * stays what it is', () => {
    const listed = readConfig({
      ...production,
      TICKER_ALLOWED_ORIGINS: 'https://a.example, https://b.example:8443',
    })
    expect(listed.stream.allowedOrigins).toEqual(new Set(['https://a.example', 'https://b.example:8443']))
    expect(readConfig({ ...production, TICKER_ALLOWED_ORIGINS: '*' }).stream.allowedOrigins).toBe('*')
  })

  test('variables of the tests are not taken for misspelt ones', () => {
    expect(faultsOf({ ...production, TICKER_TEST_KAFKA: 'anything' })).toEqual([])
  })

  test('numbers reach their place, at both bounds', () => {
    const lowest = readConfig({ ...production, TICKER_AUTH_TIMEOUT_MS: '100', TICKER_DRAIN_MS: '0' })
    expect(lowest.limits).toMatchObject({ authTimeoutMs: 100, drainMs: 0 })
    const highest = readConfig({ ...production, TICKER_AUTH_TIMEOUT_MS: '60000', TICKER_PORT: '65535' })
    expect(highest.limits.authTimeoutMs).toBe(60_000)
    expect(highest.stream.port).toBe(65_535)
  })
})

describe('the mode alone', () => {
  test('is production unless stated', () => {
    expect(readMode({})).toBe('production')
    expect(readMode({ TICKER_MODE: 'development', TICKER_PORT: 'x' })).toBe('development')
  })

  test('a wrong one is a fault', () => {
    expect(() => readMode({ TICKER_MODE: 'dev' })).toThrow(
      'TICKER_MODE=dev: expected production or development',
    )
  })
})
