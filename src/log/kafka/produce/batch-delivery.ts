import { TickerError, messageOf } from '../../../diagnostics/ticker-error.ts'
import type { BatchProducer, OutgoingBatch, OutgoingMessage } from '../connection/broker-connection.ts'
import { KafkaError, RefusedError, UnsentError } from '../kafka-error.ts'
import { retry } from '../retry.ts'

/** What became of a message. */
export type SendResult = { readonly offset: number } | { readonly error: TickerError }

/** A message that waits to be sent, or for the answer. */
export interface WaitingMessage extends OutgoingMessage {
  /** On the clock of `performance.now()`: after it the message has failed. Later messages have later ones. */
  readonly deadlineMs: number
  /** To be called once. */
  readonly settle: (result: SendResult) => void
}

/** Gives all of them the same answer. */
export function settleAll(messages: readonly WaitingMessage[], result: SendResult): void {
  for (const { settle } of messages) settle(result)
}

/** Those whose time is over, and those behind them. */
export function splitAtDeadline(
  messages: readonly WaitingMessage[],
  nowMs: number,
): readonly [expired: readonly WaitingMessage[], open: readonly WaitingMessage[]] {
  const firstOpen = messages.findIndex(({ deadlineMs }) => deadlineMs > nowMs)
  const count = firstOpen === -1 ? messages.length : firstOpen
  return [messages.slice(0, count), messages.slice(count)]
}

interface BatchDeliveryOptions {
  readonly topic: string
  readonly partition: number
  /** In the order of their deadlines. */
  readonly messages: readonly WaitingMessage[]
  readonly producer: BatchProducer
  /** Called before the batch is sent again. */
  readonly onRetry: () => void
}

/**
 * How a batch ended. `uncertain`: nobody knows whether it is in the log, all its messages have been told so, and the
 * producer has lost count. With a `RefusedError` it is surely not in the log, and its messages are for the caller to answer.
 */
export type DeliveryOutcome = 'appended' | 'uncertain' | RefusedError

/**
 * One batch on its way: sent again as it is, by the same producer, which makes that harmless, until an answer is certain
 * or the time of its last message is over. It cannot be changed once it was sent, so a message whose own time is over is
 * told that nobody knows, and travels on.
 */
export class BatchDelivery {
  readonly #options: BatchDeliveryOptions
  readonly #givingUp = new AbortController()
  #open: readonly WaitingMessage[]
  #lastFailure: TickerError | undefined
  #attempt: Promise<unknown> = Promise.resolve()
  /** Whether an attempt was sent and its answer lost. */
  #mayBeThere = false

  constructor(options: BatchDeliveryOptions) {
    this.#options = options
    this.#open = options.messages
  }

  /** The messages that have no answer yet. */
  get open(): readonly WaitingMessage[] {
    return this.#open
  }

  /** The attempt that was made last; it may outlast the trial. */
  get lastAttempt(): Promise<unknown> {
    return this.#attempt
  }

  /** Sends the batch, and answers its messages unless it was refused. */
  async run(): Promise<DeliveryOutcome> {
    const patience = { signal: this.#givingUp.signal, timeoutMs: Number.POSITIVE_INFINITY }
    try {
      const first = await retry(failures => this.#try(failures), patience)
      this.#acknowledge(first)
      return 'appended'
    } catch (error) {
      if (error instanceof RefusedError) return error
      this.#fail(error instanceof TickerError ? error : new KafkaError(messageOf(error), { cause: error }))
      return 'uncertain'
    }
  }

  /** Answers the messages whose time is over; when all have an answer, the batch is given up. */
  expire(nowMs: number): void {
    const [expired, open] = splitAtDeadline(this.#open, nowMs)
    const { topic, partition } = this.#options
    const error = this.#lastFailure ?? new KafkaError(`${topic}/${partition}: not confirmed in time`)
    this.#open = open
    settleAll(expired, { error })
    if (open.length === 0) this.#givingUp.abort()
  }

  /** Gives the batch up at once. */
  giveUp(error: TickerError): void {
    this.#fail(error)
    this.#givingUp.abort()
  }

  async #try(failures: number): Promise<number> {
    const { topic, partition, messages, producer, onRetry } = this.#options
    const batch: OutgoingBatch = { topic, partition, messages }
    if (failures > 0) onRetry()
    const sending = producer.send(batch)
    this.#attempt = sending
    try {
      return await sending
    } catch (thrown) {
      const error = this.#mayBeThere ? repeatable(thrown) : thrown
      if (error instanceof RefusedError) throw error
      if (!(error instanceof UnsentError)) this.#mayBeThere = true
      // A later attempt may be under way when this is told.
      if (error instanceof TickerError) this.#lastFailure = new KafkaError(error.message, { cause: error })
      throw error
    }
  }

  /** The messages lie in the log one after the other, those that were given up among them. */
  #acknowledge(first: number): void {
    const { messages } = this.#options
    const beginsAt = first + messages.length - this.#open.length
    const open = this.#open
    this.#open = []
    for (const [index, { settle }] of open.entries()) settle({ offset: beginsAt + index })
  }

  #fail(error: TickerError): void {
    const open = this.#open
    this.#open = []
    settleAll(open, { error })
  }
}

/** A refusal says nothing of an earlier attempt, whose answer was lost: only an answer to the same batch does. */
function repeatable(error: unknown): unknown {
  return error instanceof RefusedError ? new KafkaError(error.message, { cause: error }) : error
}
