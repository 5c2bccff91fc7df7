import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { residentBytes } from '../delivery/station.ts'

/** The options under which a Node process can be told to collect. */
export const collectable: readonly string[] = [
  '--expose-gc',
  '--import',
  fileURLToPath(new URL('../collect-on-signal.ts', import.meta.url)),
]

const collections = 4
/** Memory is given back some time after the collection that found it. */
const settleMs = 400

/** The resident memory of such a process after some collections. */
export async function collectedBytes(pid: number): Promise<number> {
  for (let collection = 0; collection < collections; collection++) {
    process.kill(pid, 'SIGUSR2')
    await pause(settleMs)
  }
  return residentBytes(pid)
}
