import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What V8 writes with `--cpu-prof`: a call tree, and which of its nodes was on top when, in microseconds. */
interface CpuProfile {
  readonly nodes: readonly ProfileNode[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

interface ProfileNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
}

const shown = 25

/** The functions with most self time in the newest CPU profile of a folder, as shares of the busy time. */
export async function hottestFunctions(folder: string): Promise<string> {
  const files = (await readdir(folder)).filter(name => name.endsWith('.cpuprofile')).toSorted()
  const newest = files.at(-1)
  if (newest === undefined) throw new Error(`${folder}: no profile was left`)
  const profile: unknown = JSON.parse(await readFile(join(folder, newest), 'utf8'))
  if (!isProfile(profile)) throw new Error(`${newest}: no CPU profile`)
  const byFunction = selfTimes(profile)
  byFunction.delete('(idle)')
  const sumUs = byFunction.values().reduce((sum, us) => sum + us, 0)
  const hottest = [...byFunction].toSorted(([, a], [, b]) => b - a).slice(0, shown)
  const lines = hottest.map(([name, us]) => `${((us / sumUs) * 100).toFixed(1).padStart(5)} %  ${name}`)
  return `\nSelf time, ${(sumUs / 1e6).toFixed(1)} s busy (${newest})\n\n${lines.join('\n')}\n`
}

function selfTimes({ nodes, samples, timeDeltas }: CpuProfile): Map<string, number> {
  const names = new Map(nodes.map(node => [node.id, nameOf(node)]))
  const byFunction = new Map<string, number>()
  for (const [index, id] of samples.entries()) {
    const name = names.get(id) ?? '(unknown)'
    // A delta is the time before its sample; now and then two are out of order.
    const us = Math.max(0, timeDeltas[index + 1] ?? 0)
    byFunction.set(name, (byFunction.get(name) ?? 0) + us)
  }
  return byFunction
}

/** The function with the end of its file's path. */
function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const file = url.split('/').slice(-3).join('/')
  const name = functionName === '' ? '(anonymous)' : functionName
  return file === '' ? name : `${name}  ${file}:${lineNumber + 1}`
}

function isProfile(value: unknown): value is CpuProfile {
  return (
    typeof value === 'object' &&
    value !== null &&
    'nodes' in value &&
    'samples' in value &&
    'timeDeltas' in value
  )
}
