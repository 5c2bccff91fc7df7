import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { replacementDelayMs } from '../../src/workers/worker-pool.ts'

test('a worker that crashes again and again is replaced after a growing delay', () => {
  expect([1, 2, 3, 4, 5, 6, 7, 2000].map(replacementDelayMs)).toEqual([
    1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
  ])
})

/**
 * Cause: a process that the system cannot start has no id and never exits, so nobody saw its end; or `fork`
 * threw, on a timer.
 * Symptom: the place of a worker stayed empty for ever, or the primary ended, and the others with it.
 * Seen: by reading, then with the descriptors that this takes away.
 */
test('a worker that the system cannot start is tried again', async () => {
  const command = `ulimit -n 80; exec "$0" "${fileURLToPath(new URL('worker-pool-process.ts', import.meta.url))}"`
  const primary = spawn('bash', ['-c', command, process.execPath])
  let out = ''
  for (const stream of [primary.stdout, primary.stderr]) stream.on('data', chunk => (out += String(chunk)))
  try {
    await expect.poll(() => out, { timeout: 20_000 }).toMatch(/could not be started.*\n(?:.*\n)*worker begun/)
  } finally {
    primary.kill('SIGKILL')
    await once(primary, 'exit')
  }
}, 30_000)
