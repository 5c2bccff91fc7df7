import { execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const run = promisify(execFile)

/** A language that the document has a program in. */
interface Language {
  /** As the document calls its block. */
  readonly block: string
  readonly file: string
  /** Rejects where the language, or what brings its libraries, is not there. */
  readonly find: () => Promise<unknown>
  /** Brings the library that the program uses into its folder. */
  readonly prepare?: (folder: string) => Promise<unknown>
  readonly command: readonly [program: string, ...parameters: string[]]
  /** How it prints a trade of this size. */
  readonly printed: (size: number) => string
  /** Whether it prints what came while it was away. */
  readonly resumes?: true
}

const asText = (size: number): string => `AAPL 126.5 ${size} 2026-02-22T15:52:00Z\n`

const languages: readonly Language[] = [
  {
    block: 'python',
    file: 'client.py',
    find: () => run('python3', ['-m', 'pip', '--version']),
    prepare: folder =>
      run('python3', ['-m', 'pip', 'install', '--quiet', '--target', folder, 'websockets==15.0.1']),
    command: ['python3', 'client.py'],
    printed: asText,
    resumes: true,
  },
  {
    block: 'go',
    file: 'client.go',
    find: () => run('go', ['version']),
    prepare: async folder => {
      await run('go', ['mod', 'init', 'example.com/client'], { cwd: folder })
      await run('go', ['get', 'github.com/coder/websocket@v1.8.15'], { cwd: folder })
    },
    command: ['go', 'run', 'client.go'],
    printed: asText,
  },
  {
    block: 'java',
    file: 'TickerClient.java',
    // A runtime alone does not compile.
    find: () => run('java', ['--describe-module', 'jdk.compiler']),
    command: ['java', 'TickerClient.java'],
    printed: size => `"T":"t","S":"AAPL","p":126.5,"s":${size},`,
  },
]

const found = await Promise.all(
  languages.map(language =>
    language.find().then(
      () => [language],
      () => [],
    ),
  ),
)

const document = readFileSync(new URL('../../docs/clients.md', import.meta.url), 'utf8')

let gateway: TestGateway

beforeAll(async () => {
  gateway = await startTestGateway()
})
afterAll(() => gateway.stop())

test.each(found.flat().map(language => [language.block, language] as const))(
  'the program in %s prints trades, and connects again when its connection ends',
  async (_, { block, file, prepare, command, printed, resumes }) => {
    const folder = await mkdtemp(join(tmpdir(), 'ticker-client-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    await writeFile(join(folder, file), blockWith(`\`\`\`${block}\n`))
    await prepare?.(folder)
    // The client of another language may not be gone yet.
    await subscribed(0)
    const output = await start(command, folder)
    await subscribed(1)
    await publish(2)
    await expect.poll(output).toContain(printed(2))
    gateway.controls.sessions.rebalance({ percent: 100, withinMs: 0 })
    await subscribed(0)
    await publish(3)
    await subscribed(1)
    await publish(4)
    await expect.poll(output).toContain(printed(4))
    const sizes = [2, 3, 4].flatMap(size =>
      Array.from({ length: output().split(printed(size)).length - 1 }, () => size),
    )
    // Who does not resume may have been away or not.
    expect(resumes === undefined ? sizes.filter(size => size !== 3) : sizes).toEqual(
      resumes === undefined ? [2, 4] : [2, 3, 4],
    )
  },
  240_000,
)

test('wscat prints the current trade', async () => {
  await publish(5)
  const output = await start(['bash', '-c', blockWith('```sh\nnpx wscat')])
  await expect.poll(output).toContain('"T":"t","S":"AAPL","p":126.5,"s":5,')
})

test('curl lists symbols, and publishes', async () => {
  const output = await start(['bash', '-c', blockWith('```sh\ncurl -sS ')])
  await expect.poll(output).toContain('{"symbol":"AAPL","channels":["trades"')
  await expect.poll(output).toContain('"topic":"market.trades","partition":0')
})

/** The block of the document that begins so, whole. */
function blockWith(beginning: string): string {
  const from = document.indexOf(beginning)
  if (from < 0) throw new Error(`docs/clients.md has no block that begins with ${beginning}`)
  return document.slice(document.indexOf('\n', from) + 1, document.indexOf('\n```\n', from) + 1)
}

/** Runs a command as the document has it run; what it has printed so far. */
async function start(command: Language['command'], cwd?: string): Promise<() => string> {
  const [program, ...parameters] = command
  const child = spawn(program, parameters, {
    // A group of its own: what the program starts ends with it.
    detached: true,
    // wscat ends with its input.
    stdio: 'pipe',
    ...(cwd === undefined ? {} : { cwd }),
    env: {
      ...process.env,
      STREAM_URL: gateway.streamUrl,
      GATEWAY_URL: gateway.url,
      TICKER_TOKEN: await gateway.token({ scopes: ['stream', 'publish'] }),
    },
  })
  let printed = ''
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (text: string) => (printed += text))
  }
  onTestFinished(() => {
    if (child.exitCode === null && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  })
  return () => printed
}

async function subscribed(items: number): Promise<void> {
  // A compiler may have to run first.
  await expect
    .poll(() => gateway.metric('ticker_subscribed_items{feed="live"}'), { timeout: 120_000 })
    .toBe(items === 0 ? 0 : 3)
}

/** Publishes a trade of AAPL. */
async function publish(size: number): Promise<void> {
  const answer = await fetch(`${gateway.url}/v1/events`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${await gateway.token({ scopes: ['publish'] })}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({ T: 't', S: 'AAPL', p: 126.5, s: size, t: '2026-02-22T15:52:00Z' }),
  })
  expect(answer.status).toBe(200)
}
