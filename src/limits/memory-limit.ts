import { totalmem } from 'node:os'

/** What the gateway may take where nobody says: the limit of its container (cgroup), else the machine's memory. In bytes. */
export function memoryLimit(): number {
  const constrained = process.constrainedMemory()
  const total = totalmem()
  // Without a limit it is 0, or more than any machine has.
  return constrained > 0 && constrained < total ? constrained : total
}

/** What a primary takes, with thousands of addresses and users in its ledger. */
const primaryBytes = 201_326_592
const leastBytes = 67_108_864

/** What one of several workers may take of it, beside the others and their primary; all of it where there is one process. */
export function shareOfWorker(limitBytes: number, workers: number): number {
  if (workers === 1) return limitBytes
  return Math.max(leastBytes, Math.floor((limitBytes - primaryBytes) / workers))
}
