import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/config/variable-reader.ts'
import { readConfig, readLogConfig, readMaxEventBytes } from '../../src/config/config-reader.ts'
import { defaultTopics } from '../../src/log/topics.ts'
import { development } from './environment.ts'

function faultsOf(env: Readonly<Record<string, string>>): readonly string[] {
  try {
    readLogConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

describe('readLogConfig', () => {
  test('asks for brokers in production, and for nothing of a gateway', () => {
    expect(faultsOf({})).toEqual([expect.stringMatching(/^TICKER_KAFKA_BROKERS: required in production/)])
    expect(readLogConfig({ TICKER_KAFKA_BROKERS: 'kafka:9092' })).toEqual({
      log: { kind: 'kafka', brokers: ['kafka:9092'], clientId: 'ticker-gateway' },
      topics: defaultTopics,
      maxEventBytes: 262_144,
    })
  })

  test('means the embedded log in development without brokers', () => {
    const { log } = readLogConfig({ ...development, TICKER_EMBEDDED_PATH: '/tmp/log.sqlite' })
    expect(log).toMatchObject({ kind: 'embedded', path: '/tmp/log.sqlite' })
  })

  test('passes over what only a gateway reads, right or wrong', () => {
    const env = { TICKER_PORT: 'x', TICKER_TLS_KEY_FILE: '/nowhere', TICKER_JWT_PUBLIC_KEY_FILE: '/nowhere' }
    expect(faultsOf({ ...env, TICKER_KAFKA_BROKERS: 'kafka:9092' })).toEqual([])
  })

  test('a misspelt name is a fault, so that nothing is published to another log by mistake', () => {
    expect(faultsOf({ ...development, TICKER_KAFKA_BROKER: 'kafka:9092' })).toEqual([
      'TICKER_KAFKA_BROKER: no such variable; did you mean TICKER_KAFKA_BROKERS?',
    ])
  })

  test.for([
    [{ TICKER_MODE: 'prod' }, /^TICKER_MODE=prod/],
    [{ TICKER_KAFKA_BROKERS: 'kafka' }, /^TICKER_KAFKA_BROKERS=kafka/],
    [{ TICKER_KAFKA_BROKERS: 'k:1', TICKER_TOPIC_NEWS: 'market.bars' }, /^TICKER_TOPIC_NEWS=market.bars/],
    [{ TICKER_KAFKA_BROKERS: 'k:1', TICKER_EMBEDDED_PATH: 'x' }, /^TICKER_EMBEDDED_PATH=x: exists only in/],
    [
      { ...development, TICKER_KAFKA_BROKERS: 'k:1', TICKER_EMBEDDED_PATH: 'x' },
      /^TICKER_EMBEDDED_PATH=x: belongs to the embedded log/,
    ],
  ] as const)('refuses %o', ([env, fault]) => {
    expect(faultsOf(env)).toEqual([expect.stringMatching(fault)])
  })
})

test('readMaxEventBytes reads one variable and asks for no other', () => {
  expect(readMaxEventBytes({})).toBe(262_144)
  expect(readMaxEventBytes({ TICKER_MAX_EVENT_BYTES: '65536', TICKER_MODE: 'x' })).toBe(65_536)
  expect(() => readMaxEventBytes({ TICKER_MAX_EVENT_BYTES: '1' })).toThrow(ConfigError)
})

test('a token for the tail command does not keep a gateway from starting', () => {
  expect(readConfig({ ...development, TICKER_TOKEN: 'x' }).mode).toBe('development')
})
