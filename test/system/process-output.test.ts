import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'

const program = fileURLToPath(new URL('log-output-process.ts', import.meta.url))
const lines = 10_000
const files: number[] = []
let child: ChildProcess | undefined

afterEach(() => {
  child?.kill('SIGKILL')
  for (const file of files.splice(0)) closeSync(file)
})

interface Report {
  readonly dropped: number
  readonly rss: number
  readonly unwritten: number
}

/** What a process says that writes its lines to `stderr`; rejects where it ends before. */
async function report(
  stderr: 'pipe' | number,
  prepare: (child: ChildProcess) => void = () => undefined,
): Promise<Report> {
  child = fork(program, { stdio: ['ignore', 'inherit', stderr, 'ipc'] })
  prepare(child)
  const ended = once(child, 'exit').then(([code]) => Promise.reject(new Error(`it ended with ${code}`)))
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [Report]
  return message
}

/**
 * Cause: standard error had no listener for errors, and what it did not take was kept without a bound.
 * Symptom: the process ended with whoever read its log (EPIPE), all processes of a node at once; one whose
 * reader stood still grew.
 * Seen: from outside, with `| head -1` and a log shipper that was stopped.
 */
test('lines are dropped while nobody reads them, and what waits has a bound', async () => {
  const { dropped, rss, unwritten } = await report('pipe', ({ stderr }) => stderr?.pause())
  expect(dropped).toBeGreaterThan(lines / 2)
  expect(unwritten).toBeLessThan(2_000_000)
  expect(rss).toBeLessThan(300_000_000)
})

test('lines are dropped when their reader has gone', async () => {
  const { dropped, unwritten } = await report('pipe', ({ stderr }) => stderr?.destroy())
  expect(dropped).toBeGreaterThan(lines / 2)
  expect(unwritten).toBeLessThan(2_000_000)
})

test('lines are dropped while the disk is full', async () => {
  const full = openSync('/dev/full', 'w')
  files.push(full)
  expect((await report(full)).dropped).toBe(lines)
})

test('every line is written where it is read', async () => {
  let bytes = 0
  const { dropped } = await report('pipe', ({ stderr }) =>
    stderr?.on('data', (chunk: Buffer) => (bytes += chunk.length)),
  )
  await once(child!, 'close')
  // Those that were not read in time are dropped here as well.
  expect(bytes).toBe((lines - dropped) * 10_000)
})
