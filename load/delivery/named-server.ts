import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Guard } from '../../test/support/guard.ts'
import type { PeerOptions } from './peers.ts'

const startTimeoutMs = 5000
const pollMs = 20

export interface NamedServerOptions<Ready> extends Pick<PeerOptions, 'cores' | 'stack'> {
  /** Of the environment variable that names the binary. */
  readonly variable: string
  /** What it is started with; it may leave files in the folder. */
  readonly start: (folder: string) => Promise<readonly string[]>
  /** What there is to know of it once it listens; `undefined` before. */
  readonly look: (folder: string, pid: number) => Promise<Ready | undefined>
}

/** Starts a server whose binary an environment variable names, on the server's core, with a folder of its own. */
export async function startNamedServer<Ready>({
  variable,
  start,
  look,
  cores,
  stack,
}: NamedServerOptions<Ready>): Promise<{ readonly pid: number; readonly ready: Ready }> {
  const binary = process.env[variable]
  if (binary === undefined) throw new Error(`${variable} names no binary`)
  const folder = await mkdtemp(join(tmpdir(), 'load-server-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const [command, ...parameters] = cores.server([binary, ...(await start(folder))])
  const server = spawn(command, parameters, { stdio: 'ignore' })
  const { pid = 0 } = server
  const guard = new Guard('')
  guard.watch(pid)
  stack.defer(() => guard.end())
  const failed = once(server, 'error').then(([error]) => {
    throw error
  })
  const listening = until(() => look(folder, pid))
  const ready = await Promise.race([listening, failed])
  if (ready === undefined) throw new Error(`${binary} was not ready within ${startTimeoutMs} ms`)
  return { pid, ready }
}

async function until<Ready>(look: () => Promise<Ready | undefined>): Promise<Ready | undefined> {
  const deadlineMs = performance.now() + startTimeoutMs
  let found = await look()
  while (found === undefined && performance.now() < deadlineMs) {
    await pause(pollMs)
    found = await look()
  }
  return found
}
