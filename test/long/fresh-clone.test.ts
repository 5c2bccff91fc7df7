import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const run = promisify(execFile)
const checkout = fileURLToPath(new URL('../..', import.meta.url))
let folder: string
let clone: string

/** As a stranger's shell has it: without what npm and vitest set for their children. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|VITEST|NODE_|TICKER_|INIT_CWD)/.test(name)),
)
const path = (env['PATH'] ?? '').split(':').filter(entry => !entry.includes('node_modules'))

/** Runs a command line of the README as it stands there. */
function shell(line: string) {
  return spawn('sh', ['-c', line], { cwd: clone, env: { ...env, PATH: path.join(':') }, detached: true })
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticker-clone-'))
  clone = join(folder, 'ticker-gateway')
  await run('git', ['clone', '--quiet', checkout, clone])
})
afterAll(() => rm(folder, { recursive: true, force: true }))

// Nothing lies beside the clone: it must start and pass without `../shared`.
describe('in a fresh clone', () => {
  test('npm ci && npm start serves the page', async () => {
    const program = shell(
      'TICKER_PORT=0 TICKER_OPS_PORT=0; export TICKER_PORT TICKER_OPS_PORT; npm ci && npm start',
    )
    let out = ''
    program.stdout.on('data', text => (out += String(text)))
    await expect.poll(() => out, { timeout: 300_000 }).toContain('Ctrl-C stops it.')
    const url = /page +(http:\S+)/.exec(out)![1]!
    await expect.poll(async () => (await (await fetch(url)).text()).includes('demo feed')).toBe(true)
    const closed = once(program, 'close')
    process.kill(-program.pid!, 'SIGTERM')
    await closed
  })

  test('npm ci && npm test passes', async () => {
    const tests = shell('npm ci && npm test')
    let out = ''
    for (const stream of [tests.stdout, tests.stderr]) stream.on('data', text => (out += String(text)))
    const [code] = (await once(tests, 'close')) as [number]
    expect({ code, end: code === 0 ? undefined : out.slice(-5000) }).toEqual({ code: 0, end: undefined })
  })
})
