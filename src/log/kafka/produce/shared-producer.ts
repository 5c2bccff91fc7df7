import type { BatchProducer } from '../connection/broker-connection.ts'

interface Entry {
  readonly producer: Promise<BatchProducer>
  readonly closed: PromiseWithResolvers<void>
  users: number
  /** Whether it may have lost count of what it sent, so that nobody should begin with it. */
  isSpent: boolean
  isClosing: boolean
}

const fresh = { isSpent: false, isClosing: false }

/** A producer that is lent, to be given back or discarded. */
export interface ProducerLease {
  readonly producer: BatchProducer
  release(): void
  /**
   * To be called after an uncertain end: the producer is lent to nobody else, and closed when the last user has left. Resolves
   * when nothing more can come of `attempt`, since it has ended or the producer was closed.
   */
  discard(attempt: Promise<unknown>): Promise<void>
}

/** A producer for several partitions, replaced by a new one after any failure; its users finish with the old one. */
export class SharedProducer {
  readonly #create: () => Promise<BatchProducer>
  readonly #closings = new Set<Promise<void>>()
  #current: Entry | undefined

  constructor(create: () => Promise<BatchProducer>) {
    this.#create = create
  }

  /** Lends the producer; rejects if it cannot be made, and the next one to ask has it tried again. */
  async acquire(): Promise<ProducerLease> {
    const closed = Promise.withResolvers<void>()
    const entry = this.#current ?? { producer: this.#create(), closed, users: 0, ...fresh }
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

  /** To be called when nobody uses it any more. */
  async close(): Promise<void> {
    const entry = this.#current
    this.#current = undefined
    if (entry !== undefined) this.#close(entry)
    await Promise.all(this.#closings)
  }

  #lease(entry: Entry, producer: BatchProducer): ProducerLease {
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

  #spend(entry: Entry): void {
    entry.isSpent = true
    if (this.#current === entry) this.#current = undefined
  }

  #leave(entry: Entry): void {
    entry.users -= 1
    if (entry.isSpent && entry.users === 0) this.#close(entry)
  }

  #close(entry: Entry): void {
    if (entry.isClosing) return
    entry.isClosing = true
    const closing = closeQuietly(entry).finally(() => {
      entry.closed.resolve()
      this.#closings.delete(closing)
    })
    this.#closings.add(closing)
  }
}

async function closeQuietly({ producer }: Entry): Promise<void> {
  try {
    await (await producer).close()
  } catch {
    // It was never made, or is gone already.
  }
}
