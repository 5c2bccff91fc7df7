import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }

const root = join(import.meta.dirname, '../..')

interface Ended {
  readonly code: number | string | undefined
  readonly out: string
  readonly err: string
}

/** Runs Node in the project's folder, without what the environment says of `TICKER_*`. */
function run(args: readonly string[]): Promise<Ended> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('TICKER_'))
  const env = { ...Object.fromEntries(own), TICKER_MODE: 'development' }
  return new Promise(resolve => {
    execFile(process.execPath, args, { cwd: root, env, timeout: 25_000 }, (error, out, err) =>
      resolve({ code: error === null ? 0 : (error.code ?? error.signal), out, err }),
    )
  })
}

/** What follows `node` in the scripts that are commands of the project's own. */
const commands = Object.entries(manifest.scripts).flatMap(([name, script]) => {
  const [, args] = /exec node (.+)$/.exec(script) ?? []
  return args === undefined ? [] : [{ name, args: args.split(' ') }]
})

// Cause: "npm run schema" looked at no option, and gave them to a formatter that came after it.
// Symptom: "npm run schema -- --help" wrote a tracked file anew; other commands did not know -h, or ended
// with 1.
// Seen: from outside, by asking each command for help.
test.each(commands)('npm run $name -- --help prints help, and does nothing', async ({ args }) => {
  const schema = join(root, 'src/event/event.schema.json')
  const { mtimeMs } = await stat(schema)
  for (const option of ['--help', '-h']) {
    const { code, out, err } = await run([...args, option])
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(/^ {2}(npm|--)/m)
  }
  expect((await stat(schema)).mtimeMs).toBe(mtimeMs)
})

test.each(commands)('npm run $name -- --bogus is refused', async ({ args }) => {
  const { code, out, err } = await run([...args, '--bogus'])
  expect([code, out]).toEqual([2, ''])
  expect(err).toMatch(/^[a-z:-]+: .*--bogus[^]*--help/)
})

test('every command is among them', () => {
  const names = ['start', 'gateway', 'publish', 'tail', 'token', 'kafka', 'schema', 'test:setup', 'load']
  expect(commands.map(({ name }) => name)).toEqual(names)
})

test('the schema is what its command writes', async () => {
  const schema = join(root, 'src/event/event.schema.json')
  const before = await readFile(schema, 'utf8')
  expect((await run(['src/commands/schema.ts'])).code).toBe(0)
  expect(await readFile(schema, 'utf8')).toBe(before)
})

// Cause: the first thing that Node met was a file that only later ones can read.
// Symptom: where "node" was an older one, the program ended with ERR_UNKNOWN_FILE_EXTENSION.
// Seen: from outside, with Node 20.
test.each([
  ['the program', ['bin/ticker-gateway.js', '--version']],
  ['a command', commands.find(({ name }) => name === 'tail')?.args ?? []],
])('an older Node gets an error that names the needed one, before anything else: %s', async (_what, args) => {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-node-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const older = join(folder, 'older.cjs')
  const versions = "{ value: { ...process.versions, node: '20.20.2' } }"
  await writeFile(older, `Object.defineProperty(process, 'versions', ${versions})`)

  const { code, err } = await run(['--require', older, ...args])

  expect(code).toBe(2)
  expect(err).toMatch(
    /^ticker-gateway: this is Node 20\.20\.2 \(.+\), and Node 26 or later is needed\. npm ci/,
  )
})

test('the program starts where Node is new enough', async () => {
  const { code, out } = await run(['bin/ticker-gateway.js', '--version'])
  expect([code, out]).toEqual([0, `${manifest.version}\n`])
})
