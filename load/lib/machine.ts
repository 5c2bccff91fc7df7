import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { messageOf } from '../../src/diagnostics/ticker-error.ts'

/** A program with its arguments. */
export type Command = readonly [string, ...string[]]

/** The cores of the server, and those of everything else. */
export interface Cores {
  /** How the report says it. */
  readonly description: string
  /** The cores that everything but the server runs on; empty where nothing is pinned. */
  readonly others: readonly number[]
  /** The command that runs another one on the server's core. */
  server(command: Command): Command
}

/** Pins this process, and so all that it will start, beside the server's core. */
export function divideCores(): Cores {
  const [first, ...others] = allowedCores()
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

/** What the figures depend on, in some phrases, without anything that names the machine. */
export function describeMachine(): string[] {
  const all = cpus()
  return [
    `${all.length} cores (${all[0]?.model.trim() ?? 'unknown'})`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `${type()} ${release().split('-', 1)[0]}`,
    `Node ${process.versions.node}`,
  ]
}

/** How a process that measures is kept from waiting for those that make the load on its core. */
export interface ProcessPriority {
  /** How the report says it. */
  readonly description: string
  /** The command that runs another one with it. */
  readonly command: (command: Command) => Command
}

const priorities = [
  { description: 'before everything else on its core (SCHED_RR)', prefix: ['chrt', '-r', '1'] },
  { description: 'with the highest niceness', prefix: ['nice', '-n', '-19'] },
] as const

/** The highest priority that this user may give. */
export function highestPriority(): ProcessPriority {
  for (const { description, prefix } of priorities) {
    const [program, ...rest] = prefix
    try {
      execFileSync(program, [...rest, 'true'], { stdio: 'ignore' })
      return { description, command: command => [program, ...rest, ...command] }
    } catch {
      // Not allowed here: the next one.
    }
  }
  return { description: 'like everything else on its core', command: command => command }
}
