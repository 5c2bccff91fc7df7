import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig, readLogConfig } from '../../src/config/config-reader.ts'
import { development, faultsOf, production } from './environment.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticker-platform-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

/** What Kubernetes puts into the environment of every container of a namespace with such a Service. */
function serviceLinks(prefix: string): Readonly<Record<string, string>> {
  return {
    [`${prefix}_SERVICE_HOST`]: '10.0.0.1',
    [`${prefix}_SERVICE_PORT`]: '8080',
    [`${prefix}_SERVICE_PORT_WEB_SOCKET`]: '8080',
    [`${prefix}_PORT`]: 'tcp://10.0.0.1:8080',
    [`${prefix}_PORT_8080_TCP`]: 'tcp://10.0.0.1:8080',
    [`${prefix}_PORT_8080_TCP_PROTO`]: 'tcp',
    [`${prefix}_PORT_8080_TCP_PORT`]: '8080',
    [`${prefix}_PORT_8080_TCP_ADDR`]: '10.0.0.1',
  }
}

/**
 * Cause: every variable that begins with TICKER_ had to be one of ours.
 * Symptom: beside a Service whose name begins with "ticker" the gateway did not start: seven times "no such
 * variable".
 * Seen: from outside, in Kubernetes, whose pods have service links unless they say otherwise.
 */
describe('the links to a service', () => {
  test.each(['TICKER_GATEWAY', 'TICKER_KAFKA', 'TICKER_TEST', 'TICKER_OPS_HOST'])(
    'named %s are passed over',
    prefix => expect(faultsOf({ ...production, ...serviceLinks(prefix) })).toEqual([]),
  )

  test('are passed over as well where the variable that they hit is set to what it is for', () => {
    expect(faultsOf({ ...production, ...serviceLinks('TICKER'), TICKER_PORT: '8080' })).toEqual([])
  })

  test.each([
    ['TICKER', 'TICKER_PORT', 'ticker'],
    ['TICKER_OPS', 'TICKER_OPS_PORT', 'ticker-ops'],
    ['TICKER_ADMIN', 'TICKER_ADMIN_PORT', 'ticker-admin'],
  ])('named %s, which hit %s, are reported with their cure', (prefix, name, service) => {
    const token = { TICKER_ADMIN_TOKEN: 'x'.repeat(32) }
    expect(faultsOf({ ...production, ...token, ...serviceLinks(prefix) })).toEqual([
      `${name}=tcp://10.0.0.1:8080: Kubernetes sets this for the Service "${service}", or Docker for a link of that name; ` +
        "set enableServiceLinks: false in the pod's spec, or this variable to a port",
    ])
  })

  test('of Docker, with the name and the environment of the other container, are passed over', () => {
    const link = {
      ...serviceLinks('TICKER_DB'),
      TICKER_DB_NAME: '/gateway/ticker-db',
      TICKER_DB_ENV_LANG: 'C',
    }
    expect(faultsOf({ ...production, ...link })).toEqual([])
  })

  test('do not get in the way of commands that read the log alone', () => {
    const env = { TICKER_KAFKA_BROKERS: 'kafka:9092', ...serviceLinks('TICKER') }
    expect(readLogConfig(env).log).toMatchObject({ brokers: ['kafka:9092'] })
  })

  test('are not taken for a misspelt variable', () => {
    const misspelt = { TICKER_GATEWAY_PORT: '8080', TICKER_OPS_PORTS: '1', TICKER_DB_NAME: 'x' }
    expect(faultsOf({ ...production, ...misspelt })).toHaveLength(3)
  })
})

/**
 * Cause: a value was taken as it stands.
 * Symptom: after an editor of Windows nothing was right, and a password from `echo secret | base64` was
 * refused or never fitted.
 * Seen: by going through what platforms leave around values.
 */
describe('what stands around a value', () => {
  test.each([
    ['a carriage return, of an env file with line ends of Windows', '8081\r'],
    ['a line end', '8081\n'],
    ['white space', ' 8081\t'],
    ['a byte order mark', '\uFEFF8081'],
  ])('%s, is no part of it', (_, text) => {
    expect(readConfig({ ...development, TICKER_PORT: text }).stream.port).toBe(8081)
  })

  test('and nothing else, counts as absent', () => {
    expect(readConfig({ ...development, TICKER_PORT: '\r\n', TICKER_ADMIN_TOKEN: '\n' })).toEqual(
      readConfig(development),
    )
  })

  test.each([
    ['', ''],
    ['\uFEFF', '\r\n'],
    ['', '\n\n'],
  ])(
    'a secret in a file or a variable, %j before and %j behind it, is no part of it',
    async (before, behind) => {
      const secret = ` ${'x'.repeat(10)} `
      const text = before + secret + behind
      const sasl = { TICKER_KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512', TICKER_KAFKA_SASL_USERNAME: 'u' }
      for (const given of [
        { TICKER_KAFKA_SASL_PASSWORD: text },
        { TICKER_KAFKA_SASL_PASSWORD_FILE: `${await file('password', text)}\r` },
      ]) {
        const { log } = readConfig({ ...production, ...sasl, ...given })
        const password = log.kind === 'kafka' && log.sasl && 'password' in log.sasl && log.sasl.password
        expect(password && password.reveal()).toBe(secret)
      }
    },
  )

  test('quotes, as docker --env-file leaves them, are reported', () => {
    expect(faultsOf({ ...production, TICKER_JWT_ISSUER: '"https://issuer.example"' })).toEqual([
      'TICKER_JWT_ISSUER="https://issuer.example": the quotes are part of the value (docker --env-file keeps them); leave them out',
    ])
    const [fault] = faultsOf({ ...production, TICKER_ADMIN_TOKEN: `'${'x'.repeat(32)}'` })
    expect(fault).toMatch(/^TICKER_ADMIN_TOKEN: the quotes .* into a file \(TICKER_ADMIN_TOKEN_FILE\)$/)
  })

  test.each([
    ['empty.txt', '\n', /cannot be read \(it is empty\)/],
    ['utf-16.txt', Buffer.from('\uFEFFsecret', 'utf16le'), /not valid for encoding utf-8/],
  ])('%s is no secret', async (name, content, why) => {
    const path = await file(name, content)
    expect(faultsOf({ ...production, TICKER_ADMIN_TOKEN_FILE: path })).toEqual([expect.stringMatching(why)])
  })

  test('a folder in place of a file, as a mount without a source makes it, is reported', () => {
    expect(faultsOf({ ...production, TICKER_ADMIN_TOKEN_FILE: folder })).toEqual([
      expect.stringContaining('not a regular file'),
    ])
  })
})
