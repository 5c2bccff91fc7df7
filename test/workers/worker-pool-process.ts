import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import { WorkerPool } from '../../src/workers/worker-pool.ts'
import type { WorkerProcess } from '../../src/workers/worker-process.ts'

/**
 * A primary with one worker: takes every descriptor, kills the worker, and gives them back when the next
 * cannot be started.
 */
const held: number[] = []
const program = fileURLToPath(new URL('worker-pool-worker.ts', import.meta.url))
const logger = {
  level: 'info',
  stream: {
    write(line: string): void {
      if (line.includes('could not be started')) for (const file of held.splice(0)) closeSync(file)
      const { msg } = JSON.parse(line) as { msg: string }
      process.stdout.write(`${msg}\n`)
    },
  },
}
const pool = new WorkerPool({
  size: 1,
  program,
  log: Fastify({ logger }).log,
  lines: process.stderr,
  handlers: {
    channelHandlers: (worker: () => WorkerProcess) => ({
      onQuestion: () => undefined,
      onNotice: () => pool.noteListening(worker(), 'here'),
    }),
    onGone: () => undefined,
  },
})

await pool.start()
takeAll()
pool.workers[0]?.kill()

function takeAll(): void {
  try {
    for (;;) held.push(openSync('/dev/null', 'r'))
  } catch {
    // None is left.
  }
}
