import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig, readLogConfig } from '../../../src/config/config-reader.ts'
import { Secret } from '../../../src/diagnostics/secret.ts'
import { CertificateAuthority, type CertificateFiles } from '../../support/certificates.ts'
import { development, faultsOf, production } from '../environment.ts'

let folder: string
let authority: CertificateAuthority
let client: CertificateFiles
let other: CertificateFiles

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticker-config-'))
  authority = await CertificateAuthority.create(folder, 'authority')
  client = await authority.sign('gateway')
  other = await authority.sign('other')
})

afterAll(() => rm(folder, { recursive: true }))

const plain = {
  TICKER_KAFKA_SASL_MECHANISM: 'PLAIN',
  TICKER_KAFKA_SASL_USERNAME: 'ticker',
  TICKER_KAFKA_SASL_PASSWORD: 'hunter2',
}

const endpoint = {
  TICKER_KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
  TICKER_KAFKA_OAUTH_TOKEN_URL: 'https://login.example/token',
  TICKER_KAFKA_OAUTH_CLIENT_ID: 'ticker',
  TICKER_KAFKA_OAUTH_CLIENT_SECRET: 'hunter2',
}

describe('what the variables become', () => {
  test('nothing is plain and names nobody', () => {
    expect(readConfig(production).log).toMatchObject({ tls: undefined, sasl: undefined })
  })

  test('TLS, for the gateway and for commands alike', () => {
    const env = { ...production, TICKER_KAFKA_TLS: 'on' }
    const tls = { authorityFile: undefined, client: undefined, serverName: undefined }
    expect(readConfig(env).log).toMatchObject({ tls })
    expect(readLogConfig(env).log).toMatchObject({ tls })
  })

  test('any of its files turns TLS on', () => {
    const env = {
      ...production,
      TICKER_KAFKA_TLS_CA_FILE: authority.certificateFile,
      TICKER_KAFKA_TLS_CERT_FILE: client.certificateFile,
      TICKER_KAFKA_TLS_KEY_FILE: client.keyFile,
      TICKER_KAFKA_TLS_SERVER_NAME: 'kafka.example',
    }
    const { certificateFile, keyFile } = client
    const expected = { client: { certificateFile, keyFile }, serverName: 'kafka.example' }
    expect(readConfig(env).log).toMatchObject({
      tls: { authorityFile: authority.certificateFile, ...expected },
    })
  })

  test('a user and a password, which is not shown', () => {
    const { log } = readConfig({ ...production, ...plain, TICKER_KAFKA_SASL_MECHANISM: 'SCRAM-SHA-512' })
    expect(log).toMatchObject({ sasl: { mechanism: 'SCRAM-SHA-512', username: 'ticker' } })
    expect(Object(log).sasl.password.reveal()).toBe('hunter2')
    expect(JSON.stringify(log) + inspect(log, { depth: 9, showHidden: true })).not.toContain('hunter2')
  })

  test('a token endpoint, or a file', () => {
    const tls = { TICKER_KAFKA_TLS: 'on' }
    expect(readConfig({ ...production, ...tls, ...endpoint }).log).toMatchObject({
      sasl: {
        mechanism: 'OAUTHBEARER',
        tokens: {
          kind: 'endpoint',
          url: 'https://login.example/token',
          clientId: 'ticker',
          scope: undefined,
        },
      },
    })
    const file = {
      TICKER_KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
      TICKER_KAFKA_OAUTH_TOKEN_FILE: client.keyFile,
    }
    expect(readConfig({ ...production, ...tls, ...file }).log).toMatchObject({
      sasl: { tokens: { kind: 'file', path: client.keyFile } },
    })
  })

  test('PLAIN needs no TLS on loopback, nor in development', () => {
    expect(faultsOf({ ...production, ...plain, TICKER_KAFKA_BROKERS: '[::1]:9092,localhost:9093' })).toEqual(
      [],
    )
    expect(faultsOf({ ...development, ...plain, TICKER_KAFKA_BROKERS: 'kafka:9092' })).toEqual([])
  })
})

describe('faults', () => {
  const wrong: readonly (readonly [string, () => Record<string, string>, readonly string[]])[] = [
    [
      'certificates that are none',
      () => ({ TICKER_KAFKA_TLS_CA_FILE: client.keyFile, TICKER_KAFKA_TLS_SERVER_NAME: '10.0.0.1' }),
      [
        'TICKER_KAFKA_TLS_CA_FILE=…: expected the path of a PEM file with certificates',
        'TICKER_KAFKA_TLS_SERVER_NAME=10.0.0.1: expected a host name',
      ],
    ],
    [
      'a certificate without its key',
      () => ({ TICKER_KAFKA_TLS_CERT_FILE: client.certificateFile }),
      ['TICKER_KAFKA_TLS_CERT_FILE=…: needs TICKER_KAFKA_TLS_KEY_FILE as well; set both or neither'],
    ],
    [
      "another certificate's key",
      () => ({
        TICKER_KAFKA_TLS_CERT_FILE: client.certificateFile,
        TICKER_KAFKA_TLS_KEY_FILE: other.keyFile,
      }),
      ['TICKER_KAFKA_TLS_KEY_FILE=…: is not the key of the first certificate in TICKER_KAFKA_TLS_CERT_FILE'],
    ],
    [
      'TLS that is off, with files for it',
      () => ({ TICKER_KAFKA_TLS: 'off', TICKER_KAFKA_TLS_CA_FILE: authority.certificateFile }),
      ['TICKER_KAFKA_TLS_CA_FILE=…: is for TLS, which TICKER_KAFKA_TLS=off turns off; unset one of them'],
    ],
    [
      'PLAIN in the clear, without a password',
      () => ({ TICKER_KAFKA_SASL_MECHANISM: 'PLAIN', TICKER_KAFKA_SASL_USERNAME: 'ticker' }),
      [
        'TICKER_KAFKA_SASL_PASSWORD: required for TICKER_KAFKA_SASL_MECHANISM=PLAIN: text of 1 to 4096 characters',
        'TICKER_KAFKA_SASL_MECHANISM=PLAIN: sends its secret unencrypted; set TICKER_KAFKA_TLS=on',
      ],
    ],
    [
      'a password without a mechanism',
      () => ({ TICKER_KAFKA_SASL_PASSWORD: 'hunter2' }),
      [
        'TICKER_KAFKA_SASL_PASSWORD: needs TICKER_KAFKA_SASL_MECHANISM as well, for PLAIN or SCRAM-SHA-256 or SCRAM-SHA-512',
      ],
    ],
    [
      'a token endpoint for SCRAM',
      () => ({ ...plain, ...endpoint, TICKER_KAFKA_SASL_MECHANISM: 'SCRAM-SHA-256' }),
      [
        'TICKER_KAFKA_OAUTH_TOKEN_URL=https://login.example/token: is for OAUTHBEARER, not for SCRAM-SHA-256; unset it',
        'TICKER_KAFKA_OAUTH_CLIENT_ID=ticker: is for OAUTHBEARER, not for SCRAM-SHA-256; unset it',
        'TICKER_KAFKA_OAUTH_CLIENT_SECRET: is for OAUTHBEARER, not for SCRAM-SHA-256; unset it',
      ],
    ],
    [
      'OAUTHBEARER without a token',
      () => ({ TICKER_KAFKA_TLS: 'on', TICKER_KAFKA_SASL_MECHANISM: 'OAUTHBEARER' }),
      [
        'TICKER_KAFKA_SASL_MECHANISM=OAUTHBEARER: needs TICKER_KAFKA_OAUTH_TOKEN_URL or TICKER_KAFKA_OAUTH_TOKEN_FILE',
      ],
    ],
    [
      'half an endpoint, in the clear',
      () => ({
        TICKER_KAFKA_TLS: 'on',
        TICKER_KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
        TICKER_KAFKA_OAUTH_TOKEN_URL: 'http://login.example/token',
        TICKER_KAFKA_OAUTH_CLIENT_SECRET: 'hunter2',
      }),
      [
        'TICKER_KAFKA_OAUTH_TOKEN_URL=http://login.example/token: expected an https URL without user and password (http on loopback)',
        'TICKER_KAFKA_OAUTH_CLIENT_ID: required for a token endpoint: text of 1 to 512 characters',
      ],
    ],
    [
      'a token file beside an endpoint',
      () => ({ TICKER_KAFKA_TLS: 'on', ...endpoint, TICKER_KAFKA_OAUTH_TOKEN_FILE: client.keyFile }),
      [
        'TICKER_KAFKA_OAUTH_TOKEN_URL=https://login.example/token: is for an endpoint, which TICKER_KAFKA_OAUTH_TOKEN_FILE replaces; unset one of them',
        'TICKER_KAFKA_OAUTH_CLIENT_ID=ticker: is for an endpoint, which TICKER_KAFKA_OAUTH_TOKEN_FILE replaces; unset one of them',
        'TICKER_KAFKA_OAUTH_CLIENT_SECRET: is for an endpoint, which TICKER_KAFKA_OAUTH_TOKEN_FILE replaces; unset one of them',
      ],
    ],
    [
      'a mechanism that does not exist, and nothing that follows from it',
      () => ({ ...plain, TICKER_KAFKA_SASL_MECHANISM: 'GSSAPI' }),
      ['TICKER_KAFKA_SASL_MECHANISM=GSSAPI: expected PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER'],
    ],
  ]
  test.for(wrong)('%s', ([, env, expected]) => {
    const shown = faultsOf({ ...production, ...env() }).map(fault => fault.replaceAll(/=\/[^:]*/g, '=…'))
    expect(shown).toEqual(expected)
  })

  test('a password may stand in a file, and is not shown with what is wrong', async () => {
    const path = join(folder, 'password')
    await writeFile(path, 'hunter2\nhunter3')
    const { TICKER_KAFKA_SASL_PASSWORD: _, ...rest } = plain
    const env = { ...production, ...rest, TICKER_KAFKA_TLS: 'on', TICKER_KAFKA_SASL_PASSWORD_FILE: path }
    expect(faultsOf(env)).toEqual([
      `TICKER_KAFKA_SASL_PASSWORD_FILE=${path}: expected text of 1 to 4096 characters`,
    ])
    await writeFile(path, 'hunter2\n')
    expect(Object(readConfig(env).log).sasl.password.reveal()).toBe('hunter2')
  })
})

test('a secret shows itself only to whoever asks', () => {
  const secret = new Secret('hunter2')
  const views = [String(secret), JSON.stringify({ secret }), inspect({ secret }, { showHidden: true })]
  expect(views.join()).not.toContain('hunter2')
  expect(secret.reveal()).toBe('hunter2')
})
