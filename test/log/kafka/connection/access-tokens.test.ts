import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AccessTokenError } from '../../../../src/log/kafka/kafka-error.ts'
import { type AccessTokens, createAccessTokens } from '../../../../src/log/kafka/connection/access-tokens.ts'
import { Secret } from '../../../../src/diagnostics/secret.ts'
import { type StartedEndpoint, startTokenEndpoint, type TokenEndpointAnswer } from './token-endpoint.ts'
import { TestClock } from '../../../support/test-clock.ts'

let endpoint: StartedEndpoint
let answer: TokenEndpointAnswer
let clock: TestClock

beforeEach(async () => {
  clock = new TestClock()
  endpoint = await startTokenEndpoint(() => answer)
  grant({ expires_in: 600 })
})

afterEach(() => endpoint.stop())

/** Makes the endpoint give the tokens `token-1`, `token-2` and so on. */
function grant(fields: Record<string, unknown>): void {
  answer = {
    get body() {
      return { access_token: `token-${endpoint.questions.length}`, token_type: 'Bearer', ...fields }
    },
  }
}

function open(scope?: string, clientId = 'ticker'): AccessTokens {
  const clientSecret = new Secret('hunter2 & more:é')
  const source = { kind: 'endpoint', url: endpoint.url, clientId, clientSecret, scope } as const
  return createAccessTokens(source, clock)
}

/** The message of a failure that holds neither what is secret nor more than a line. */
async function failure(tokens: AccessTokens): Promise<string> {
  const error: unknown = await tokens.get().catch((thrown: unknown) => thrown)
  if (!(error instanceof AccessTokenError)) throw new Error(`no AccessTokenError: ${String(error)}`)
  expect(error.message).not.toMatch(/hunter2|\n/)
  return error.message.replace(endpoint.url.slice(0, -'/token'.length), 'ENDPOINT')
}

describe('a token endpoint', () => {
  test('is asked by client credentials, as RFC 6749 encodes them', async () => {
    expect(await open('kafka.read kafka.write', 'ticker:1').get()).toBe('token-1')
    const [question] = endpoint.questions
    expect(Object.fromEntries(question!.body)).toEqual({
      grant_type: 'client_credentials',
      scope: 'kafka.read kafka.write',
    })
    const credentials = Buffer.from(question!.authorization!.replace('Basic ', ''), 'base64').toString()
    expect(credentials).toBe('ticker%3A1:hunter2+%26+more%3A%C3%A9')
  })

  test('is asked again a minute before its token ends', async () => {
    const tokens = open()
    expect([await tokens.get(), await tokens.get()]).toEqual(['token-1', 'token-1'])
    clock.pass(539_999)
    expect(await tokens.get()).toBe('token-1')
    clock.pass(1)
    expect(await tokens.get()).toBe('token-2')
  })

  test('is asked again half-way where tokens live short', async () => {
    grant({ expires_in: 10 })
    const tokens = open()
    expect(await tokens.get()).toBe('token-1')
    clock.pass(5000)
    expect(await tokens.get()).toBe('token-2')
  })

  test('is asked once by all who ask at once, and again when a broker refused what it gave', async () => {
    const tokens = open()
    expect(await Promise.all([tokens.get(), tokens.get()])).toEqual(['token-1', 'token-1'])
    tokens.forget()
    expect(await tokens.get()).toBe('token-2')
  })

  test('is asked each time where it does not say how long a token lives', async () => {
    grant({})
    const tokens = open()
    expect([await tokens.get(), await tokens.get()]).toEqual(['token-1', 'token-2'])
  })

  test('is asked again after a failure', async () => {
    answer = { status: 503, body: '' }
    const tokens = open()
    expect(await failure(tokens)).toContain('503')
    grant({ expires_in: 600 })
    expect(await tokens.get()).toBe('token-2')
  })

  test.for<readonly [string, TokenEndpointAnswer, RegExp]>([
    [
      'a refusal with its code',
      { status: 401, body: { error: 'invalid_client', error_description: 'hunter2' } },
      /^token endpoint ENDPOINT: it answered 401 invalid_client; check TICKER_KAFKA_OAUTH_CLIENT_ID, TICKER_/,
    ],
    ['a refusal without a code', { status: 403, body: 'hunter2' }, /it answered 403; check/],
    ['a code that is none', { status: 400, body: { error: 'hunter2!' } }, /it answered 400; check/],
    ['a page', { body: '<p>hunter2' }, /an answer without access_token; check TICKER_KAFKA_OAUTH_TOKEN_URL/],
    [
      'a token with a line feed',
      { body: { access_token: 'hunter2\nx' } },
      /9 characters that are not a bearer token/,
    ],
    ['a flood', { body: 'x'.repeat(100_000) }, /more than 65536 bytes/],
    [
      'a redirect, which is not followed',
      { status: 307, headers: { location: '/elsewhere' }, body: '' },
      /redirect.*; check TICKER_KAFKA_OAUTH_TOKEN_URL/,
    ],
  ])('reports %s', async ([, given, expected]) => {
    answer = given
    expect(await failure(open())).toMatch(expected)
    expect(endpoint.questions).toHaveLength(1)
  })

  test('reports that nobody answers', async () => {
    const clientSecret = new Secret('hunter2')
    const source = { kind: 'endpoint', url: 'http://127.0.0.1:1/', clientId: 'a', clientSecret } as const
    expect(await failure(createAccessTokens({ ...source, scope: undefined }))).toMatch(
      /^token endpoint http:\/\/127\.0\.0\.1:1: .*; check TICKER_KAFKA_OAUTH_TOKEN_URL$/,
    )
  })
})

test('a file is read each time, and named if it holds no token', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-token-'))
  const path = join(folder, 'token')
  const tokens = createAccessTokens({ kind: 'file', path })
  await writeFile(path, 'one\n')
  expect(await tokens.get()).toBe('one')
  await writeFile(path, 'two')
  expect(await tokens.get()).toBe('two')
  await writeFile(path, 'hunter2 hunter2')
  expect(await failure(tokens)).toBe(
    `${path}: no access token: 15 characters that are not a bearer token; check TICKER_KAFKA_OAUTH_TOKEN_FILE`,
  )
  await rm(folder, { recursive: true })
  expect(await failure(tokens)).toContain('ENOENT')
})
