import { execFileSync } from 'node:child_process'
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { GatewayProcess } from '../../support/gateway-process.ts'

let node: GatewayProcess
let folder: string
let pipe: number

afterEach(async () => {
  await node.stop()
  closeSync(pipe)
  await rm(folder, { recursive: true, force: true })
})

/**
 * Cause: workers shared the primary's standard error, and each that started or ended set it to wait for its
 * reader.
 * Symptom: with a reader that stood still, the primary stood still at its next line: no connections, no
 * health, no stop.
 * Seen: from outside, with a full pipe and SIGTERM to one of two workers.
 */
test('a worker that ends while nobody reads the log is replaced', async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticker-log-'))
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK)
  node = await GatewayProcess.start({ TICKER_WORKERS: '2', TICKER_DEMO: 'off' }, { errorFile: path })
  fill()
  const [worker] = readFileSync(`/proc/${node.pid}/task/${node.pid}/children`, 'utf8').split(' ')
  process.kill(Number(worker), 'SIGTERM')
  await node.until(async () => (await node.metric('ticker_worker_restarts_total')) === 1, 'an end')
  await node.until(async () => (await node.metric('ticker_workers{state="ready"}')) === 2, 'two workers')
  expect(await node.isReady()).toBe(true)
}, 90_000)

function fill(): void {
  for (const length of [4096, 1]) {
    try {
      for (;;) writeSync(pipe, 'x'.repeat(length))
    } catch {
      // It is full.
    }
  }
}
