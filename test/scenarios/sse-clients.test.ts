import { execFile, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import type { Message } from '../support/form-reader.ts'
import { waitUntil } from '../support/wait-until.ts'
import { numberedTrade, numberedTrades, SseFixture } from '../transport/sse/sse-fixture.ts'

const document = readFileSync(new URL('../../docs/clients.md', import.meta.url), 'utf8')
const modules = new URL('../../node_modules/', import.meta.url)

/** A program of the document: follows the events of a URL, and shows each message. */
interface Program {
  follow(
    url: string,
    token: () => string,
    show: (message: Message) => void,
    silenceMs?: number,
  ): Promise<void> | { readonly close: () => void }
}

/** Returns the block of the document that has this line. */
function blockWith(line: string): string {
  const block = [...document.matchAll(/```(?:js|sh)\n(.*?)```/gs)].find(([, text = '']) =>
    text.includes(line),
  )
  if (block?.[1] === undefined) throw new Error(`docs/clients.md has no block with ${line}`)
  return block[1]
}

/** Loads a program of the document, from where its packages are found. */
async function load(text: string): Promise<Program> {
  const parent = new URL('.cache/', modules)
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(new URL('sse-client-', parent).pathname)
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'client.mjs')
  await writeFile(file, text)
  return (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Program
}

function numbersIn(messages: readonly Message[]): unknown[] {
  return messages.filter(({ T }) => T === 't').map(({ i }) => i)
}

test.each(["from 'eventsource-parser/stream'", "from 'eventsource'"])(
  'the client of the document with the line "%s" gets every event once, though its responses end',
  async line => {
    const fixture = await SseFixture.start()
    const token = await fixture.gateway.token()
    const messages: Message[] = []
    const program = await load(blockWith(line))
    const following = program.follow(
      fixture.url('trades=*'),
      () => token,
      message => messages.push(message),
    )
    const subscribed = () => messages.filter(({ T }) => T === 'subscription').length
    await waitUntil(() => subscribed() === 1, 'the first session')
    await fixture.append(numberedTrades(0, 30))
    for (let round = 1; round <= 2; round++) {
      fixture.gateway.controls.sessions.rebalance({ percent: 100, withinMs: 0 })
      await fixture.append(numberedTrades(round * 30, round * 30 + 30))
      await waitUntil(() => subscribed() === round + 1, 'the next session')
    }
    await waitUntil(() => numbersIn(messages).length >= 90, 'the trades')
    expect(numbersIn(messages)).toEqual(Array.from({ length: 90 }, (_, index) => index))
    // One is told to stop, the other one is closed.
    fixture.gateway.controls.sessions.end(3)
    await following
    if ('close' in following) following.close()
    await waitUntil(() => fixture.gateway.controls.sessions.size === 0, 'the end')
  },
)

// Cause: the client took a proxy's 502 for a refusal, and its page for JSON.
// Symptom: it ended with "Unexpected token '<'" when the gateways behind nginx restarted.
// Seen with docs/proxies/nginx.conf in front of gateways that were not ready yet.
test('the client with fetch comes back after the 502 of a proxy, and ends after a refusal', async () => {
  const statuses = [502, 429, 401]
  const proxy = createServer((_, answer) => {
    const status = statuses.shift() ?? 500
    if (status === 401) answer.writeHead(status).end('{"error":"the token was refused"}')
    else answer.writeHead(status, { 'content-type': 'text/html' }).end('<html></html>')
  })
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void proxy.close())
  const { port } = proxy.address() as AddressInfo
  const program = await load(blockWith("from 'eventsource-parser/stream'"))
  const following = program.follow(
    `http://127.0.0.1:${port}/v1/events?trades=*`,
    () => 'token',
    () => undefined,
  )
  await expect(following).rejects.toThrow('401: {"error":"the token was refused"}')
  expect(statuses).toEqual([])
})

// Cause: the client waited for the next event for ever. Symptom: behind a network that swallows everything it
// never came back, as PROTOCOL §12 asks. Seen by reading.
test('the client with fetch comes back when nothing has come for long', async () => {
  let requests = 0
  const server = createServer((_, answer) => {
    if (++requests > 1) answer.writeHead(401).end('{}')
    else answer.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: [{"T":"heartbeat"}]\n\n')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  const messages: Message[] = []
  const program = await load(blockWith("from 'eventsource-parser/stream'"))
  const following = program.follow(
    `http://127.0.0.1:${port}/v1/events?trades=*`,
    () => 'token',
    message => messages.push(message),
    300,
  )
  await expect(following).rejects.toThrow('401: {}')
  expect([requests, messages]).toEqual([2, [{ T: 'heartbeat' }]])
})

test('curl prints events as the document shows it, compressed on their way', async () => {
  const fixture = await SseFixture.start()
  const child = spawn('bash', ['-c', blockWith('curl -sSN')], {
    detached: true,
    env: { ...process.env, GATEWAY_URL: fixture.gateway.url, TICKER_TOKEN: await fixture.gateway.token() },
  })
  onTestFinished(() => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  })
  let printed = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text))
  await waitUntil(() => printed.includes('"subscription"'), 'the acknowledgement')
  await fixture.append([numberedTrade(5)])
  await waitUntil(() => printed.includes('"i":5'), 'the trade')
  expect(printed).toMatch(/\nid: 1;market[^\n]*\ndata: \[\{"T":"t"/)
})

test('the zlib of Python decompresses the stream, and finds its end whole', async () => {
  const fixture = await SseFixture.start()
  const client = await fixture.open('trades=*')
  await client.next({ T: 'subscription' })
  const program = `
import os, urllib.request, zlib
request = urllib.request.Request(os.environ["URL"], headers={"Authorization": "Bearer " + os.environ["TOKEN"], "Accept-Encoding": "gzip"})
stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
text = stream.decompress(urllib.request.urlopen(request).read())
print(text.decode(), stream.eof, repr(stream.unused_data))`
  const env = { ...process.env, URL: fixture.url('trades=*'), TOKEN: await fixture.gateway.token() }
  const finished = promisify(execFile)('python3', ['-c', program], { env })
  const { sessions } = fixture.gateway.controls
  const subscribed = () => sessions.list().sessions.filter(({ items }) => items > 0).length
  await waitUntil(() => subscribed() === 2, 'Python')
  await fixture.append(numberedTrades(0, 300))
  await waitUntil(() => client.text.includes('"i":299,'), 'the trades')
  void fixture.gateway.leave()
  const { stdout } = await finished
  expect(stdout).toContain('"i":299,')
  expect(stdout).toMatch(/"draining"[^]* True b''\n$/)
})

test('a page of another origin follows the events with fetch, in a real browser', async () => {
  const fixture = await SseFixture.start()
  const browser = await launchChromium()
  onTestFinished(() => browser.close())
  const origin = await serveFiles({
    '/': ['text/html', page],
    '/client.js': ['text/javascript', blockWith("from 'eventsource-parser/stream'")],
    ...(await parserFiles()),
  })
  const opened = await browser.newPage()
  const faults: string[] = []
  opened.on('pageerror', error => faults.push(error.message))
  await opened.goto(origin)
  const parameters = JSON.stringify([fixture.url('trades=*'), await fixture.gateway.token()])
  await opened.evaluate(`start(...${parameters})`)
  const messages = async () => (await opened.evaluate('messages')) as Message[]
  const sessions = async (): Promise<number> =>
    (await messages()).filter(({ T }) => T === 'subscription').length
  await waitUntil(async () => (await sessions()) === 1, 'the first session')
  await fixture.append(numberedTrades(0, 200))
  fixture.gateway.controls.sessions.rebalance({ percent: 100, withinMs: 0 })
  await waitUntil(async () => (await sessions()) === 2, 'the second session')
  await fixture.append(numberedTrades(200, 250))
  await waitUntil(async () => numbersIn(await messages()).length >= 250, 'the trades')
  expect(numbersIn(await messages())).toEqual(Array.from({ length: 250 }, (_, index) => index))
  expect(faults).toEqual([])
})

const page = `<!doctype html><script type="importmap">
{"imports":{"eventsource-parser/stream":"/stream.js"}}</script><script type="module">
import { follow } from './client.js'
window.messages = []
window.start = (url, token) => void follow(url, () => token, message => messages.push(message))
</script>`

/** The modules of the package, as a page loads them. */
async function parserFiles(): Promise<Record<string, readonly [string, string]>> {
  const names = ['stream.js', 'index.js', 'parse.js', 'errors.js', 'types.js']
  const files = await Promise.all(
    names.map(async name => {
      const text = await readFile(new URL(`eventsource-parser/dist/${name}`, modules), 'utf8')
      return [`/${name}`, ['text/javascript', text]] as const
    }),
  )
  return Object.fromEntries(files)
}

/** Serves files on a port of its own, which is another origin. Returns that. */
async function serveFiles(files: Readonly<Record<string, readonly [string, string]>>): Promise<string> {
  const server = createServer(({ url = '' }, response) => {
    const [type, text] = files[url] ?? ['text/plain', '']
    response.writeHead(text === '' ? 404 : 200, { 'content-type': type }).end(text)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
