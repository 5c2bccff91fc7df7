import { messageOf, TickerError } from '../../ticker-error.ts'
import type { OutgoingBatch, OutgoingMessage } from './broker-connection.ts'
import { KafkaError, UnsentError } from './kafka-error.ts'

/** The library groups messages in quadratic time: 2,000 take 3 ms, 20,000 take 1.3 s. */
const batchMessages = 2000
/** A broker's default limit of a batch is 1,048,588 bytes. */
const batchBytes = 768 * 1024

/** What became of a message. */
export type SendResult = { readonly offset: number } | { readonly error: TickerError }

/** A message that waits to be sent. */
export interface WaitingMessage extends OutgoingMessage {
  /** On the clock of `performance.now()`: after it the message is not tried any more. */
  readonly deadlineMs: number
  readonly settle: (result: SendResult) => void
}

export interface PartitionAppenderOptions {
  readonly topic: string
  readonly partition: number
  /** Appends a batch, all or nothing, within a time, and gives the offset of its first message. */
  readonly send: (batch: OutgoingBatch, timeoutMs: number) => Promise<number>
}

/**
 * Appends messages to one partition in order, one batch at a time: what comes while a batch is under way makes
 * up the next one. So a message that comes alone leaves at once, and under load batches grow by themselves.
 */
export class PartitionAppender {
  readonly #options: PartitionAppenderOptions
  readonly #waiting: WaitingMessage[] = []
  #isDraining = false

  constructor(options: PartitionAppenderOptions) {
    this.#options = options
  }

  add(message: WaitingMessage): void {
    this.#waiting.push(message)
    if (!this.#isDraining) void this.#drain()
  }

  async #drain(): Promise<void> {
    this.#isDraining = true
    // What comes in the same turn goes into the same batch.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch()
      const first = await this.#send(batch)
      for (const [index, { settle }] of batch.entries()) {
        settle('error' in first ? first : { offset: first.offset + index })
      }
    }
    this.#isDraining = false
  }

  async #send(messages: readonly WaitingMessage[]): Promise<SendResult> {
    const { topic, partition, send } = this.#options
    const timeoutMs = (messages[0]?.deadlineMs ?? 0) - performance.now()
    try {
      if (timeoutMs <= 0) throw new UnsentError(`${topic}/${partition}: waited in vain behind others`)
      return { offset: await send({ topic, partition, messages }, timeoutMs) }
    } catch (error) {
      return {
        error: error instanceof TickerError ? error : new KafkaError(messageOf(error), { cause: error }),
      }
    }
  }

  #nextBatch(): readonly WaitingMessage[] {
    let bytes = 0
    let count = 0
    for (const { key, value } of this.#waiting) {
      bytes += key.length + value.length
      if (count > 0 && (count === batchMessages || bytes > batchBytes)) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }
}
