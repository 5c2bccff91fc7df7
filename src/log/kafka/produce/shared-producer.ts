import type { BatchProducer } from '../connection/broker-connection.ts'

interface ProducerEntry {
  readonly producer: Promise<BatchProducer>
  readonly closed: PromiseWithResolvers<void>
  users: number
  /** Whether the producer may have lost count of its messages, so that no new user may begin with it. */
  isSpent: boolean
  isClosing: boolean
}

/** The use of a producer, which ends by `release` or `discard`. */
export interface ProducerLease {
  readonly producer: BatchProducer
  release(): void
  /**
   * Ends the use after an uncertain outcome. The producer gets no new users, and is closed when the last one
   * has left. Resolves when `attempt` can have no further effect, because it has ended or the producer was
   * closed.
   */
  discard(attempt: Promise<unknown>): Promise<void>
}

/** A producer for several partitions. After a failure a new one replaces it; its users finish with it. */
export class SharedProducer {
  readonly #create: () => Promise<BatchProducer>
  readonly #closings = new Set<Promise<void>>()
  #current: ProducerEntry | undefined

  constructor(create: () => Promise<BatchProducer>) {
    this.#create = create
  }

  /** Leases the producer. Rejects if it cannot be created; the next call tries again. */
  async acquire(): Promise<ProducerLease> {
    const entry = this.#current ?? newEntry(this.#create())
    this.#current = entry
    entry.users += 1
    try {
      return this.#lease(entry, await entry.producer)
    } catch (error) {
      this.#spend(entry)
      this.#leave(entry)
      throw error
    }
  }

  /** To be called when it has no users any more. */
  async close(): Promise<void> {
    const entry = this.#current
    this.#current = undefined
    if (entry !== undefined) this.#close(entry)
    await Promise.all(this.#closings)
  }

  #lease(entry: ProducerEntry, producer: BatchProducer): ProducerLease {
    return {
      producer,
      release: () => this.#leave(entry),
      discard: async attempt => {
        this.#spend(entry)
        this.#leave(entry)
        await Promise.race([attempt.catch(() => {}), entry.closed.promise])
      },
    }
  }

  #spend(entry: ProducerEntry): void {
    entry.isSpent = true
    if (this.#current === entry) this.#current = undefined
  }

  #leave(entry: ProducerEntry): void {
    entry.users -= 1
    if (entry.isSpent && entry.users === 0) this.#close(entry)
  }

  #close(entry: ProducerEntry): void {
    if (entry.isClosing) return
    entry.isClosing = true
    const closing = closeQuietly(entry).finally(() => {
      entry.closed.resolve()
      this.#closings.delete(closing)
    })
    this.#closings.add(closing)
  }
}

function newEntry(producer: Promise<BatchProducer>): ProducerEntry {
  return { producer, closed: Promise.withResolvers(), users: 0, isSpent: false, isClosing: false }
}

async function closeQuietly({ producer }: ProducerEntry): Promise<void> {
  try {
    await (await producer).close()
  } catch {
    // It was never created, or is gone already.
  }
}
