/** How far a client has come in a partition, as acknowledgements state it and cursors bring it back. */
export interface CursorEntry {
  readonly number: number
  readonly topic: string
  readonly partition: number
  readonly epoch: string
  readonly position: number
}

export function isSamePartition(one: CursorEntry, other: CursorEntry): boolean {
  return one.topic === other.topic && one.partition === other.partition
}
