import { messageOf, TickerError } from '../../../diagnostics/ticker-error.ts'
import type { BatchProducer, OutgoingBatch, OutgoingMessage } from '../connection/broker-connection.ts'
import { KafkaError, RefusedError, UnsentError } from '../kafka-error.ts'
import { retry } from '../retry.ts'

/** The offset of a message, or why it has none. */
export type SendResult = { readonly offset: number } | { readonly error: TickerError }

/** A message that waits to be sent, or for the answer. */
export interface WaitingMessage extends OutgoingMessage {
  /** On the steady clock. Then the message has failed. Later messages have the same or later deadlines. */
  readonly deadlineMs: number
  /** To be called once. */
  readonly settle: (result: SendResult) => void
}

export interface BatchDeliveryOptions {
  readonly topic: string
  readonly partition: number
  /** In the order of their deadlines. */
  readonly messages: readonly WaitingMessage[]
  readonly producer: BatchProducer
  /** Called before the batch is sent again. */
  readonly onRetry: () => void
}

/**
 * The outcome of a batch. `uncertain`: the batch may be in the log or not, its messages were settled with an
 * error, and the producer has lost count. A `RefusedError`: the batch is certainly not in the log, and the
 * caller has to settle its messages.
 */
export type DeliveryOutcome = 'appended' | 'uncertain' | RefusedError

/**
 * Delivers one batch. Sends it again unchanged through the same producer, which appends it only once, until
 * an answer is certain or the deadline of its last message is over. A batch cannot be changed after it was
 * sent. So a message whose own deadline is over is settled as unconfirmed, and remains in the batch.
 */
export class BatchDelivery {
  readonly #options: BatchDeliveryOptions
  readonly #givingUp = new AbortController()
  #unsettled: readonly WaitingMessage[]
  #lastFailure: TickerError | undefined
  #attempt: Promise<unknown> = Promise.resolve()
  /** Whether the answer to an attempt was lost. */
  #mayBeInLog = false

  constructor(options: BatchDeliveryOptions) {
    this.#options = options
    this.#unsettled = options.messages
  }

  /** The messages that are not settled yet. */
  get unsettled(): readonly WaitingMessage[] {
    return this.#unsettled
  }

  /** The last attempt. It may still be under way when `run` has resolved. */
  get lastAttempt(): Promise<unknown> {
    return this.#attempt
  }

  /** Sends the batch, and settles its messages unless it was refused. */
  async run(): Promise<DeliveryOutcome> {
    try {
      const firstOffset = await retry(failures => this.#send(failures), { signal: this.#givingUp.signal })
      this.#succeed(firstOffset)
      return 'appended'
    } catch (error) {
      if (error instanceof RefusedError) return error
      this.#fail(error instanceof TickerError ? error : new KafkaError(messageOf(error), { cause: error }))
      return 'uncertain'
    }
  }

  /** Settles messages whose deadline is over. When no other is left, gives the batch up. */
  expire(nowMs: number): void {
    const [expired, remaining] = splitAtDeadline(this.#unsettled, nowMs)
    const { topic, partition } = this.#options
    const error = this.#lastFailure ?? new KafkaError(`${topic}/${partition}: not confirmed in time`)
    this.#unsettled = remaining
    settleAll(expired, { error })
    if (remaining.length === 0) this.#givingUp.abort()
  }

  /** Gives the batch up at once. */
  giveUp(error: TickerError): void {
    this.#fail(error)
    this.#givingUp.abort()
  }

  async #send(failures: number): Promise<number> {
    const { topic, partition, messages, producer, onRetry } = this.#options
    const batch: OutgoingBatch = { topic, partition, messages }
    if (failures > 0) onRetry()
    const attempt = producer.send(batch)
    this.#attempt = attempt
    try {
      return await attempt
    } catch (thrown) {
      const error = this.#mayBeInLog ? retriable(thrown) : thrown
      if (error instanceof RefusedError) throw error
      if (!(error instanceof UnsentError)) this.#mayBeInLog = true
      // Not the error itself: a later attempt may be under way when a message is settled with it.
      if (error instanceof TickerError) this.#lastFailure = new KafkaError(error.message, { cause: error })
      throw error
    }
  }

  /** The messages lie in the log one after the other, those already settled among them. */
  #succeed(firstOffset: number): void {
    const { messages } = this.#options
    const unsettled = this.#unsettled
    const offset = firstOffset + messages.length - unsettled.length
    this.#unsettled = []
    for (const [index, { settle }] of unsettled.entries()) settle({ offset: offset + index })
  }

  #fail(error: TickerError): void {
    const unsettled = this.#unsettled
    this.#unsettled = []
    settleAll(unsettled, { error })
  }
}

/** Settles all messages with the same result. */
export function settleAll(messages: readonly WaitingMessage[], result: SendResult): void {
  for (const { settle } of messages) settle(result)
}

/** The messages whose deadline is over, and the others. */
export function splitAtDeadline(
  messages: readonly WaitingMessage[],
  nowMs: number,
): readonly [expired: readonly WaitingMessage[], remaining: readonly WaitingMessage[]] {
  const firstRemaining = messages.findIndex(({ deadlineMs }) => deadlineMs > nowMs)
  const count = firstRemaining === -1 ? messages.length : firstRemaining
  return [messages.slice(0, count), messages.slice(count)]
}

/** A refusal says nothing about an earlier attempt whose answer was lost, so the batch is sent again. */
function retriable(error: unknown): unknown {
  return error instanceof RefusedError ? new KafkaError(error.message, { cause: error }) : error
}
