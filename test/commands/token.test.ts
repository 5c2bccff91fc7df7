import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { developmentIdentity, readDevelopmentKey } from '../../src/auth/development-token.ts'
import { createTokenVerifier } from '../../src/auth/token-verifier.ts'
import { Command } from '../support/command.ts'

let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticker-token-'))
})

afterAll(() => rm(folder, { recursive: true }))

/** Runs the command in the test's folder. */
async function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = { TICKER_MODE: 'development' },
) {
  const command = new Command('token', { args, env, cwd: folder })
  const code = await command.ended()
  return { code, stdout: command.stdout, stderr: command.stderr }
}

async function grantOf(token: string) {
  const key = await readDevelopmentKey('development', join(folder, '.ticker', 'development-key.json'))
  return createTokenVerifier({
    ...developmentIdentity,
    clockToleranceS: 5,
    keys: () => key.publicKey,
  })(token)
}

describe('the token command', () => {
  test('prints a token, and nothing else, that a gateway of this folder takes', async () => {
    const { code, stdout, stderr } = await run([])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    const grant = await grantOf(stdout.trim())
    expect(grant).toMatchObject({
      subject: 'developer',
      scopes: new Set(['stream']),
      feeds: new Set(['live']),
      channels: '*',
      symbols: '*',
    })
    const lifetimeMs = grant.expiresAtMs - Date.now()
    expect(lifetimeMs).toBeGreaterThan(11.9 * 3_600_000)
    expect(lifetimeMs).toBeLessThanOrEqual(12 * 3_600_000)
  })

  test('puts its options into the token', async () => {
    const { stdout } = await run([
      '--sub',
      'ann',
      '--symbols',
      'AAPL, BRK.B',
      '--channels',
      'trades,quotes',
      '--scope',
      'stream publish',
      '--feeds',
      'live,delayed',
      '--ttl=90s',
    ])
    const grant = await grantOf(stdout.trim())
    expect(grant).toMatchObject({
      subject: 'ann',
      scopes: new Set(['stream', 'publish']),
      feeds: new Set(['live', 'delayed']),
      channels: new Set(['trades', 'quotes']),
      symbols: new Set(['AAPL', 'BRK.B']),
    })
    expect(grant.expiresAtMs - Date.now()).toBeLessThanOrEqual(90_000)
  })

  test('explains itself', async () => {
    const { code, stdout, stderr } = await run(['--help'], {})
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const option of ['--sub', '--symbols', '--channels', '--scope', '--feeds', '--ttl'])
      expect(stdout).toContain(option)
  })

  test.each([
    [['--symbol', 'AAPL'], "Unknown option '--symbol'"],
    [['AAPL'], 'Unexpected argument'],
    [['--ttl'], '--ttl'],
    [['--ttl', '12'], '--ttl 12: expected a time such as 90s'],
    [['--ttl', '0s'], '--ttl 0s: expected a time'],
    [['--ttl', '31d'], 'at most 30d'],
    [['--symbols', 'AAPL,'], '--symbols AAPL,: "" is not one'],
    [['--symbols', 'A"A'], '"A"A" is not one; expected * or symbols'],
    [['--channels', 'trade'], '--channels trade: "trade" is not one'],
    [['--feeds', 'Live'], '--feeds Live: "Live" is not one'],
    [['--scope', 'admin'], '--scope admin: expected some of stream publish relay history'],
    [['--sub', ''], '--sub : expected 1 to 256 characters'],
  ])('refuses %j with exit code 2', async (args, message) => {
    const { code, stdout, stderr } = await run(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test.each([{}, { TICKER_MODE: 'production' }])('makes no token in production: %j', async env => {
    const { code, stdout, stderr } = await run([], env)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^token: TICKER_MODE=production: development keys exist only in development/)
  })

  test('makes no token that a gateway with the same settings would refuse', async () => {
    const { code, stdout, stderr } = await run([], {
      TICKER_MODE: 'development',
      TICKER_JWT_JWKS_URL: 'https://issuer.example/keys',
      TICKER_JWT_ISSUER: 'https://issuer.example',
      TICKER_JWT_AUDIENCE: 'ticker',
    })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('accepts tokens from your issuer only')
  })

  test('tells what is wrong with the configuration', async () => {
    const { code, stderr } = await run([], { TICKER_MODE: 'dev' })
    expect(code).toBe(1)
    expect(stderr).toContain('TICKER_MODE=dev: expected production or development')
  })
})
