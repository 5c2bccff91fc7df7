import { cpus, release, totalmem, type } from 'node:os'

/** What the figures depend on, in some phrases, without anything that names the machine. */
export function describeMachine(): string[] {
  const all = cpus()
  const model = all[0]?.model.trim() ?? 'unknown'
  return [
    `${all.length} cores (${model})`,
    `${Math.round(totalmem() / 2 ** 30)} GiB`,
    `${type()} ${release().split('-', 1)[0]}`,
    `Node ${process.versions.node}`,
  ]
}
