import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
/** Collects whatever nobody reaches. */
export const collect = runInNewContext('gc') as () => void

/** Bytes of the heap that are in use then. */
export function collectedHeapBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}
