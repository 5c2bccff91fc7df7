import type { BatchProducer } from './broker-connection.ts'

interface Entry {
  readonly producer: Promise<BatchProducer>
  users: number
  /** Whether it may have lost count of what it sent, so that nobody should begin with it. */
  isSpent: boolean
}

/** A producer for several partitions, replaced by a new one after any failure; its users finish with the old one. */
export class SharedProducer {
  readonly #create: () => Promise<BatchProducer>
  #current: Entry | undefined

  constructor(create: () => Promise<BatchProducer>) {
    this.#create = create
  }

  /** Lends the producer. If `work` rejects, the producer is lent to nobody else. */
  async use<Result>(work: (producer: BatchProducer) => Promise<Result>): Promise<Result> {
    const entry = this.#current ?? { producer: this.#create(), users: 0, isSpent: false }
    this.#current = entry
    entry.users += 1
    try {
      return await work(await entry.producer)
    } catch (error) {
      entry.isSpent = true
      if (this.#current === entry) this.#current = undefined
      throw error
    } finally {
      entry.users -= 1
      if (entry.isSpent && entry.users === 0) await closeQuietly(entry)
    }
  }

  /** To be called when nobody uses it any more. */
  async close(): Promise<void> {
    const entry = this.#current
    this.#current = undefined
    if (entry !== undefined) await closeQuietly(entry)
  }
}

async function closeQuietly({ producer }: Entry): Promise<void> {
  try {
    await (await producer).close()
  } catch {
    // It was never made, or is gone already.
  }
}
