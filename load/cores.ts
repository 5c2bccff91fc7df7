import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { messageOf } from '../src/diagnostics/ticker-error.ts'

/** Which cores the server has and which everything else. */
export interface Cores {
  /** How the report says it. */
  readonly description: string
  /** The cores that everything but the server runs on; empty where nothing is pinned. */
  readonly others: readonly number[]
  /** The command line that runs another one on the server's core. */
  server(command: readonly [string, ...string[]]): readonly [string, ...string[]]
}

/** Pins this process, and so all that it will start, beside the server's core. */
export function divideCores(): Cores {
  const allowed = allowedCores()
  const [first, ...others] = allowed
  if (first === undefined || others.length === 0) return unpinned('there is only one core')
  try {
    execFileSync('taskset', ['-a', '-p', '-c', others.join(','), String(process.pid)], { stdio: 'ignore' })
  } catch (error) {
    return unpinned(`taskset failed: ${messageOf(error)}`)
  }
  return {
    description: `server pinned to core ${first}; Kafka, producer and clients to ${others.join(', ')}`,
    others,
    server: command => ['taskset', '-c', String(first), ...command],
  }
}

function unpinned(reason: string): Cores {
  return { description: `nothing is pinned (${reason})`, others: [], server: command => command }
}

/** The cores that this process may use: a list such as `0-1,4`. */
function allowedCores(): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
  if (list === undefined) return Array.from({ length: availableParallelism() }, (_, core) => core)
  return list.split(',').flatMap(range => {
    const [from = 0, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, step) => from + step)
  })
}
