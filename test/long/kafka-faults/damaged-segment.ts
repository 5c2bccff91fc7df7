import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { frameAt } from '../../../src/log/kafka/protocol/record-batch.ts'
import type { KafkaBroker } from '../../support/kafka.ts'

/** `[from, to)` of a batch. */
export type Extent = readonly [from: number, to: number]

const recordsAt = 61
const lastOffsetDeltaAt = 23
const crcAt = 17

export interface Damage {
  readonly topic: string
  /** Batches before this offset stay as they are. */
  readonly from: number
  readonly batches: number
}

/**
 * Flips a bit in every fourth batch of the first segment of partition 0, in turn in its records and in its
 * checksum, as a failing disk would. The broker must have been shut down in order: it reads its files without
 * a look at them then.
 */
export async function damageSegment(broker: KafkaBroker, damage: Damage): Promise<readonly Extent[]> {
  const folder = join(dirname(broker.log), 'data', `${damage.topic}-0`)
  const file = join(folder, `${'0'.repeat(20)}.log`)
  const bytes = await readFile(file)
  const damaged: Extent[] = []
  let index = 0
  for (let frame = frameAt(bytes, 0); frame !== undefined; frame = frameAt(bytes, frame.end)) {
    const from = Number(bytes.readBigInt64BE(frame.start))
    if (from < damage.from) continue
    index += 1
    if (index % 4 !== 0 || damaged.length === damage.batches) continue
    const at = frame.start + (damaged.length % 2 === 0 ? recordsAt + 40 : crcAt)
    bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at)
    damaged.push([from, from + bytes.readInt32BE(frame.start + lastOffsetDeltaAt) + 1])
  }
  await writeFile(file, bytes)
  return damaged
}
