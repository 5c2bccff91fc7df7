import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { sections } from '../src/config/variables/all-variables.ts'
import { keyTexts } from './config/environment.ts'
import { Command } from './support/command.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticker-main-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function start(args: readonly string[], env: Readonly<Record<string, string>>): Command {
  const command = new Command('../main', { args, env, cwd: folder })
  onTestFinished(() => command.kill())
  return command
}

async function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const command = start(args, env)
  const code = await command.ended()
  return { code, out: command.stdout, err: command.stderr }
}

describe('the program', () => {
  test('--help names every variable', async () => {
    const { code, out } = await run(['--help'])
    expect(code).toBe(0)
    for (const { variables } of sections)
      for (const { name } of Object.values(variables)) expect(out).toContain(name)
  })

  test('an unknown option is an error of one line', async () => {
    const { code, err } = await run(['--port', '1'])
    expect([code, err.trim().split('\n').length]).toEqual([2, 1])
    expect(err).toContain('--port')
  })

  test('without a mode it is production, and tells everything that production lacks at once', async () => {
    const { code, err } = await run(['--check-config'])
    expect(code).toBe(2)
    for (const name of [
      'TICKER_KAFKA_BROKERS',
      'TICKER_JWT_ISSUER',
      'TICKER_JWT_AUDIENCE',
      'TICKER_JWT_JWKS_URL',
    ]) {
      expect(err).toContain(name)
    }
  })

  test('conveniences of development are refused in production', async () => {
    const { code, err } = await run(['--check-config'], {
      TICKER_KAFKA_BROKERS: 'k:9092',
      TICKER_JWT_JWKS_URL: 'https://issuer.example/keys',
      TICKER_JWT_ISSUER: 'i',
      TICKER_JWT_AUDIENCE: 'a',
      TICKER_DEMO: 'on',
      TICKER_EMBEDDED_PATH: 'x.sqlite',
    })
    expect(code).toBe(2)
    expect(err).toContain('TICKER_DEMO')
    expect(err).toContain('TICKER_EMBEDDED_PATH')
  })

  test('a right configuration is said to be right', async () => {
    const { code, out } = await run(['--check-config'], { TICKER_MODE: 'development' })
    expect([code, out]).toEqual([
      0,
      'The configuration is valid (development, demo feed (generated, seed 1), feed live).\n',
    ])
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'starts, prints its addresses, serves, and stops cleanly on %s',
    async signal => {
      const program = start([], { TICKER_MODE: 'development', TICKER_PORT: '0', TICKER_OPS_PORT: '0' })
      await expect.poll(() => program.stdout).toContain('Ctrl-C stops it.')
      const url = /page +(http:\S+)/.exec(program.stdout)?.[1]
      expect(program.stdout).toMatch(/events +http:\S+\/v1\/events /)
      const operations = /health +(http:\S+)/.exec(program.stdout)?.[1]
      await expect.poll(async () => (await fetch(operations!)).status).toBe(200)
      expect((await fetch(url!)).status).toBe(200)
      program.kill(signal)
      const code = await program.ended()
      const err = program.stderr
      expect(code).toBe(0)
      expect(err).toContain('stopping: clients have')
      expect(err).not.toMatch(/eyJ|PRIVATE|"d":/)
    },
  )

  test('a port that is taken is named with its variable', async () => {
    const first = start([], {
      TICKER_MODE: 'development',
      TICKER_PORT: '0',
      TICKER_OPS_PORT: '0',
      TICKER_DEMO: 'off',
    })
    await expect.poll(() => first.stdout).toContain('Ctrl-C stops it.')
    const port = new URL(/page +(http:\S+)/.exec(first.stdout)![1]!).port
    const { code, err } = await run([], {
      TICKER_MODE: 'development',
      TICKER_PORT: port,
      TICKER_OPS_PORT: '0',
      TICKER_DEMO: 'off',
    })
    expect(code).toBe(2)
    expect(err).toContain(`TICKER_PORT=${port}: something listens on 127.0.0.1:${port} already`)
    first.kill('SIGTERM')
    await first.ended()
  })

  // Cause: --check-config read variables and opened nothing; a folder below /proc was tried to be made again
  // for ever.
  // Symptom: it passed a decoder that the start then refused, and a path of the embedded log with which the
  // start spun at 90 % CPU.
  // Seen: from outside.
  test.each([
    ['TICKER_DECODER', 'node:fs', 'expected a module that exports a function decode(record, source)'],
    ['TICKER_DECODER', 'no-such-package', 'cannot be loaded'],
    ['TICKER_EMBEDDED_PATH', '/proc/no/such/folder/log.sqlite', 'expected a file and a folder'],
    ['TICKER_EMBEDDED_PATH', '/proc/log.sqlite', 'expected a file and a folder'],
    ['TICKER_EMBEDDED_PATH', '/dev/null', 'it is not a file'],
    ['TICKER_EMBEDDED_PATH', '/dev/null/log.sqlite', 'expected a file and a folder'],
    ['TICKER_EMBEDDED_PATH', main, 'this is not the file of an embedded log'],
  ])('%s=%s is refused by --check-config and by the start alike', async (name, value, fault) => {
    const env = { TICKER_MODE: 'development', TICKER_PORT: '0', TICKER_OPS_PORT: '0', [name]: value }
    for (const args of [['--check-config'], []]) {
      const { code, err } = await run(args, env)
      expect(code).toBe(2)
      expect(err).toContain(value)
      expect(err).toContain(fault)
    }
  })

  test('--check-config tells all that a start would refuse at once, and leaves nothing behind', async () => {
    const env = { TICKER_MODE: 'development', TICKER_DECODER: 'node:fs', TICKER_EMBEDDED_PATH: '/proc/x/y' }
    const { err } = await run(['--check-config'], env)
    expect(err).toContain('2 faults in the configuration')

    const own = join(folder, 'checked')
    await mkdir(own)
    const right = { TICKER_MODE: 'development', TICKER_EMBEDDED_PATH: join(own, 'a/b/log.sqlite') }
    expect((await run(['--check-config'], right)).code).toBe(0)
    expect(await readdir(own)).toEqual([])
  })

  /**
   * Cause: what a start had begun when it failed (a timer, a broker that does not answer, a worker) kept the
   * process alive.
   * Symptom: nothing listened, nothing was logged any more, and whatever supervises the process saw it run.
   * Seen: from outside, by a key file that was none.
   */
  test.each([
    ['a log that cannot be opened', { TICKER_EMBEDDED_PATH: '/dev/null/log.sqlite' }],
    ['a key file that holds none', { TICKER_TLS_CERT_FILE: main, TICKER_TLS_KEY_FILE: main }],
    ['a log that cannot be opened by workers', { TICKER_EMBEDDED_PATH: '/dev/null/x', TICKER_WORKERS: '2' }],
    ['a decoder that fails', { TICKER_DECODER: './missing.mjs' }],
    ['a host that is not here', { TICKER_OPS_HOST: '192.0.2.1' }],
  ])('%s ends it at once, with a code that says so', async (_what, env) => {
    const program = start([], {
      TICKER_MODE: 'development',
      TICKER_PORT: '0',
      TICKER_OPS_PORT: '0',
      TICKER_DEMO: 'off',
      ...env,
    })
    await expect.poll(() => program.stderr, { timeout: 20_000 }).toContain('ticker-gateway: ')
    const toldMs = performance.now()
    expect(await program.ended()).toBeGreaterThan(0)
    expect(performance.now() - toldMs).toBeLessThan(2000)
  })

  /**
   * Cause: Node opens its inspector on SIGUSR1 unless somebody listens.
   * Symptom: a debugger with all the rights of the gateway, on a port of loopback that asks for nothing.
   * Seen: from outside, by the signal.
   */
  test('SIGUSR1 opens no debugger in production', async () => {
    const program = start([], {
      TICKER_KAFKA_BROKERS: inject('kafkaBrokers'),
      TICKER_JWT_PUBLIC_KEY: keyTexts().publicPem,
      TICKER_JWT_ISSUER: 'issuer',
      TICKER_JWT_AUDIENCE: 'audience',
      TICKER_PORT: '0',
      TICKER_OPS_PORT: '0',
    })
    await expect.poll(() => program.stdout, { timeout: 20_000 }).toContain('/readyz')
    program.kill('SIGUSR1')
    await expect.poll(() => program.stderr).toContain('SIGUSR1: no debugger is opened in production')
    expect(program.stderr).not.toContain('Debugger listening')
    program.kill('SIGTERM')
    expect(await program.ended()).toBe(0)
  })
})
