import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { mintTestToken } from '../../support/gateway.ts'
import { StreamClient } from '../../support/stream-client.ts'
import { GatewayProcess } from '../../support/gateway-process.ts'

let node: GatewayProcess
let folder: string | undefined

afterEach(async () => {
  await node.stop()
  if (folder !== undefined) await rm(folder, { recursive: true, force: true })
})

const readyWorkers = (): Promise<number | undefined> => node.metric('ticker_workers{state="ready"}')

/**
 * Cause: a worker was replaced when it had ended, and ready for as long as it lived.
 * Symptom: one that computed for ever, or was stopped, kept its clients without a word, and `ticker_workers`
 * said it was ready.
 * Seen: from outside, with SIGSTOP to one of two workers.
 */
test('a worker that stands still is soon not ready, and then replaced', async () => {
  node = await GatewayProcess.start({ TICKER_WORKERS: '2', TICKER_DEMO: 'off' })
  const hung = node.workers.get(1)!
  process.kill(hung, 'SIGSTOP')
  await node.until(async () => (await readyWorkers()) === 1, 'one worker that is not ready')
  expect(await node.isReady()).toBe(true)
  expect(node.workers.get(1)).toBe(hung)
  await node.until(() => node.workers.get(1) !== hung, 'another worker')
  await node.until(async () => (await readyWorkers()) === 2, 'two workers')
  expect(await node.metric('ticker_worker_restarts_total')).toBe(1)
}, 90_000)

test('a node all of whose workers compute for ever is red for as long as they do', async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticker-hang-'))
  const [decoder, flag] = [join(folder, 'decoder.mjs'), join(folder, 'flag')]
  await writeFile(flag, '')
  await writeFile(
    decoder,
    `import { existsSync } from 'node:fs'
     export function decode({ value }) {
       while (existsSync(${JSON.stringify(flag)}));
       return JSON.parse(value.toString('utf8'))
     }`,
  )
  node = await GatewayProcess.start({
    TICKER_WORKERS: '2',
    TICKER_DEMO: 'off',
    TICKER_DECODER: decoder,
    TICKER_EMBEDDED_PATH: join(folder, 'log.sqlite'),
  })
  await publish()
  await node.until(async () => !(await node.isReady()), 'a node that is not ready')
  const { reason } = (await (await fetch(`${node.operationsUrl}/readyz`)).json()) as { reason: string }
  expect(reason).toContain('it does not answer')
  await rm(flag)
  await node.until(async () => (await readyWorkers()) === 2, 'two workers')
  const client = await StreamClient.open(node.streamUrl, await mintTestToken())
  await client.close()
}, 90_000)

async function publish(): Promise<void> {
  const token = await mintTestToken({ scopes: ['stream', 'publish'] })
  const answer = fetch(`${node.url}/v1/events`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ T: 't', S: 'AAPL', p: 1, s: 1, t: '2026-02-22T15:51:44.208Z' }),
  })
  // Whoever should answer may hang by then.
  await Promise.race([answer, node.until(async () => !(await node.isReady()), 'a hanging node')])
}
