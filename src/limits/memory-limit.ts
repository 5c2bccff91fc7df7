import { totalmem } from 'node:os'

/** What this process may take where nobody says: the limit of its container (cgroup), else the machine's memory. In bytes. */
export function memoryLimit(): number {
  const constrained = process.constrainedMemory()
  const total = totalmem()
  // Without a limit it is 0, or more than any machine has.
  return constrained > 0 && constrained < total ? constrained : total
}
