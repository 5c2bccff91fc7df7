import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/config/variable-reader.ts'
import { readConfig } from '../../src/config/config-reader.ts'
import { development, faultsOf, production } from './environment.ts'

test('all faults are reported at once, each on a line of its own', () => {
  const env = {
    ...development,
    TICKER_AUTH_TIMEOUT_MS: 'abc',
    TICKER_PROT: '1',
    TICKER_HOST: '0.0.0.0',
    TICKER_TOPIC_NEWS: 'market.bars',
  }
  expect(faultsOf(env)).toEqual([
    'TICKER_PROT: no such variable; did you mean TICKER_PORT?',
    'TICKER_AUTH_TIMEOUT_MS=abc: expected whole milliseconds, 100 to 60000',
    'TICKER_TOPIC_NEWS=market.bars: "market.bars" is the topic of TICKER_TOPIC_BARS as well; each stream needs its own',
    'TICKER_HOST=0.0.0.0: development listens on loopback only, because its pages and keys admit anyone; set ' +
      'TICKER_MODE=production, or unset it',
  ])
})

test('the error carries its code, and every fault in its message', () => {
  const error = thrownBy({ ...production, TICKER_PORT: 'x', TICKER_MAX_SESSIONS: '0' })
  expect(error.code).toBe('TICKER_CONFIG')
  expect(error.message).toMatch(
    /^2 faults in the configuration:\n {2}TICKER_PORT=x: .*\n {2}TICKER_MAX_SESSIONS=0: /,
  )
})

test('the topic of dead letters is none that is read, and needs Kafka', () => {
  const TICKER_TOPIC_DEAD_LETTERS = 'market.bars'
  expect(faultsOf({ ...production, TICKER_TOPIC_DEAD_LETTERS })).toEqual([
    'TICKER_TOPIC_DEAD_LETTERS=market.bars: "market.bars" is the topic of TICKER_TOPIC_BARS as well; copies there would be read as events',
  ])
  expect(faultsOf({ ...development, TICKER_TOPIC_DEAD_LETTERS: 'market.dead' })).toEqual([
    'TICKER_TOPIC_DEAD_LETTERS=market.dead: the embedded log keeps no dead letters; set TICKER_KAFKA_BROKERS, or unset it',
  ])
  expect(faultsOf({ ...production, TICKER_TOPIC_DEAD_LETTERS: 'market.dead' })).toEqual([])
})

test('nobody new is taken in before anything is let go of', () => {
  const env = { ...development, TICKER_MEMORY_REFUSE_PERCENT: '80' }
  expect(faultsOf({ ...env, TICKER_MEMORY_SHED_PERCENT: '79' })).toEqual([
    'TICKER_MEMORY_SHED_PERCENT=79: is lower than TICKER_MEMORY_REFUSE_PERCENT (80); set it to at least that',
  ])
  expect(faultsOf({ ...env, TICKER_MEMORY_SHED_PERCENT: '80' })).toEqual([])
})

function thrownBy(env: Record<string, string>): ConfigError {
  try {
    readConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error
  }
  throw new Error('no ConfigError was thrown')
}

describe('values of the wrong kind', () => {
  const wrong: readonly (readonly [string, string])[] = [
    ['TICKER_LOG_LEVEL', 'verbose'],
    ['TICKER_HOST', 'not a host'],
    ['TICKER_HOST', '999.1.1.1'],
    ['TICKER_HOST', '[::1]'],
    ['TICKER_PORT', '65536'],
    ['TICKER_PORT', '-1'],
    ['TICKER_PORT', '8 0'],
    ['TICKER_PORT', '1e3'],
    ['TICKER_OPS_PORT', '0x50'],
    ['TICKER_TRUSTED_PROXIES', 'true'],
    ['TICKER_TRUSTED_PROXIES', '10.0.0.0/33'],
    ['TICKER_TRUSTED_PROXIES', '10.0.0.0/8/8'],
    ['TICKER_TLS_CERT_FILE', '/nowhere/cert.pem'],
    ['TICKER_TLS_CERT_FILE', '/'],
    ['TICKER_ALLOWED_ORIGINS', 'https://app.example.com/'],
    ['TICKER_ALLOWED_ORIGINS', 'app.example.com'],
    ['TICKER_ALLOWED_ORIGINS', 'https://a.example,*'],
    ['TICKER_KAFKA_BROKERS', 'kafka'],
    ['TICKER_KAFKA_BROKERS', 'kafka:0'],
    ['TICKER_KAFKA_BROKERS', 'kafka:9092,'],
    ['TICKER_KAFKA_CLIENT_ID', 'a b'],
    ['TICKER_TOPIC_BARS', '..'],
    ['TICKER_TOPIC_BARS', 'a'.repeat(250)],
    ['TICKER_MAX_EVENT_BYTES', '65535'],
    ['TICKER_MAX_ITEMS', '1.5'],
    ['TICKER_JWT_ISSUER', 'a\nb'],
    ['TICKER_JWT_ALGORITHMS', 'ES256,RSA'],
    ['TICKER_JWT_CLOCK_TOLERANCE_S', '301'],
    ['TICKER_JWT_JWKS_URL', 'http://issuer.example/keys'],
    ['TICKER_JWT_JWKS_URL', 'keys.json'],
    ['TICKER_JWT_JWKS_URL', 'https://user:password@issuer.example/keys'],
  ]
  test.each(wrong)('%s=%s is a fault', (name, value) => {
    expect(faultsOf({ ...production, [name]: value }).join('\n')).toMatch(
      new RegExp(`^${name}=.*: expected `, 'm'),
    )
  })

  const right: readonly (readonly [string, string])[] = [
    ['TICKER_HOST', '::1'],
    ['TICKER_HOST', '127.8.8.8'],
    ['TICKER_HOST', 'localhost'],
    ['TICKER_KAFKA_BROKERS', '[::1]:9092, kafka_1.internal:9093'],
    ['TICKER_JWT_JWKS_URL', 'http://127.0.0.1:8081/keys'],
    ['TICKER_JWT_JWKS_URL', 'http://[::1]:8081/keys'],
  ]
  test.each(right)('%s=%s is not', (name, value) => {
    expect(faultsOf({ ...production, [name]: value })).toEqual([])
  })

  test('why "none" and HMAC are refused is said', () => {
    expect(faultsOf({ ...production, TICKER_JWT_ALGORITHMS: 'none' })).toEqual([
      'TICKER_JWT_ALGORITHMS=none: "none" would accept tokens that nobody signed; leave it out',
    ])
    expect(faultsOf({ ...production, TICKER_JWT_ALGORITHMS: 'ES256,HS256' })[0]).toContain(
      'can make tokens; use ES256',
    )
  })
})

describe('misspelt variables', () => {
  test('the nearest name is suggested', () => {
    expect(faultsOf({ ...production, TICKER_KAKFA_BROKERS: 'a:1' })).toEqual([
      'TICKER_KAKFA_BROKERS: no such variable; did you mean TICKER_KAFKA_BROKERS?',
    ])
  })

  test('a name that resembles none is a fault without a suggestion', () => {
    expect(faultsOf({ ...production, TICKER_ZZZZZZZZZZZZ: '1' })).toEqual([
      'TICKER_ZZZZZZZZZZZZ: no such variable; --help lists the known ones',
    ])
  })

  test('only secrets have a _FILE', () => {
    expect(faultsOf({ ...production, TICKER_JWT_ISSUER_FILE: '/issuer' })[0]).toContain('no such variable')
  })
})

describe('production', () => {
  test('what it requires is listed whole', () => {
    expect(faultsOf({})).toEqual([
      'TICKER_JWT_ISSUER: required in production: text of 1 to 512 characters',
      'TICKER_JWT_AUDIENCE: required in production: text of 1 to 512 characters',
      'TICKER_KAFKA_BROKERS: required in production: a comma-separated list of host:port',
      'TICKER_JWT_JWKS_URL: required in production, or TICKER_JWT_PUBLIC_KEY',
    ])
  })

  test.each([
    ['TICKER_EMBEDDED_PATH', 'log.sqlite'],
    ['TICKER_EMBEDDED_RETENTION_BYTES', '2000000'],
    ['TICKER_EMBEDDED_RETENTION_MS', '60000'],
    ['TICKER_DEMO', 'on'],
    ['TICKER_DEMO_SEED', '7'],
  ])('%s belongs to development', (name, value) => {
    expect(faultsOf({ ...production, [name]: value })).toEqual([
      `${name}=${value}: exists only in development; unset it, or set TICKER_MODE=development on your own machine`,
    ])
  })

  test('stating that the demo feed is off is no fault', () => {
    expect(faultsOf({ ...production, TICKER_DEMO: 'off' })).toEqual([])
  })
})

describe('development', () => {
  test('listens on loopback only, whatever protects it', () => {
    expect(
      faultsOf({ ...development, TICKER_HOST: '0.0.0.0', TICKER_TRUSTED_PROXIES: '10.0.0.1' })[0],
    ).toContain('loopback only')
  })

  test('an issuer without its key is a fault, and a key without its issuer', () => {
    expect(faultsOf({ ...development, TICKER_JWT_ISSUER: 'me' })[0]).toContain(
      'development tokens have their own',
    )
    expect(faultsOf({ ...development, TICKER_JWT_JWKS_URL: 'https://issuer.example/keys' })).toEqual([
      'TICKER_JWT_ISSUER: required with a key of your own',
      'TICKER_JWT_AUDIENCE: required with a key of your own',
    ])
  })

  test.each([
    ['TICKER_DEMO', 'on'],
    ['TICKER_DEMO_SEED', '7'],
    ['TICKER_EMBEDDED_PATH', 'log.sqlite'],
  ])('%s and brokers exclude each other', (name, value) => {
    const faults = faultsOf({ ...development, TICKER_KAFKA_BROKERS: 'localhost:9092', [name]: value })
    expect(faults).toHaveLength(1)
    expect(faults[0]).toContain(`${name}=${value}: belongs to the embedded log`)
  })
})

test('a wrong mode is one fault, not also what the other mode would lack', () => {
  expect(faultsOf({ TICKER_MODE: 'prod' })).toEqual(['TICKER_MODE=prod: expected production or development'])
})

test('both listeners on one port are a fault, unless each takes a free one', () => {
  expect(faultsOf({ ...production, TICKER_OPS_PORT: '8080' })[0]).toContain('is the same port as TICKER_PORT')
  expect(faultsOf({ ...production, TICKER_PORT: '0', TICKER_OPS_PORT: '0' })).toEqual([])
})
