export type { PartitionPosition as CursorEntry } from '../../support/partition-runs.ts'
import type { PartitionPosition } from '../../support/partition-runs.ts'

export function isSamePartition(one: PartitionPosition, other: PartitionPosition): boolean {
  return one.topic === other.topic && one.partition === other.partition
}
