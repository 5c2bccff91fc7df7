import { execFileSync } from 'node:child_process'

/** How a process that measures is kept from waiting for those that make the load beside it. */
export interface Urgency {
  /** How the report says it. */
  readonly description: string
  command(command: readonly [string, ...string[]]): readonly [string, ...string[]]
}

const ways = [
  { description: 'before everything else on its core (SCHED_RR)', prefix: ['chrt', '-r', '1'] },
  { description: 'with the highest niceness', prefix: ['nice', '-n', '-19'] },
] as const

/** The most urgent way that this user may use. */
export function findUrgency(): Urgency {
  for (const { description, prefix } of ways) {
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
