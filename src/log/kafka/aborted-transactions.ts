import { BatchRecords } from './batch-records.ts'
import type { RecordBatch } from './record-batch.ts'

/** A transaction that was aborted, as a fetch response lists it. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

/** The type in the key of a control record that ends an aborted transaction. */
const abortType = 0
const maxControlBytes = 1024

/**
 * Tells which batches belong to aborted transactions, as Kafka's own consumer does: from its first offset on,
 * a producer's transactional batches are hidden until its abort marker. Batches are to be shown in order.
 */
export class AbortedTransactions {
  /** Those whose first offset is still to come, the next one last. */
  readonly #coming: AbortedTransaction[]
  readonly #hidden = new Set<bigint>()

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#coming = aborted.toSorted((one, other) => other.firstOffset - one.firstOffset)
  }

  /** Whether the batch's records were taken back. Throws a `MalformedError` for a control batch that is none. */
  hides(batch: RecordBatch): boolean {
    this.#begin(batch.nextOffset)
    if (this.#hidden.size === 0) return false
    if (batch.isControl && isAbortMarker(batch)) this.#hidden.delete(batch.producerId)
    return batch.isTransactional && !batch.isControl && this.#hidden.has(batch.producerId)
  }

  #begin(beforeOffset: number): void {
    for (let next = this.#coming.at(-1); next !== undefined; next = this.#coming.at(-1)) {
      if (next.firstOffset >= beforeOffset) return
      this.#hidden.add(next.producerId)
      this.#coming.pop()
    }
  }
}

/** The key of a control record is a version and a type, 16 bits each. */
function isAbortMarker(batch: RecordBatch): boolean {
  if (batch.count === 0) return false
  const { key } = new BatchRecords(batch, maxControlBytes).next()
  return key !== null && key.length >= 4 && key.readInt16BE(2) === abortType
}
