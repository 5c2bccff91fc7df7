import { messageOf } from '../../../diagnostics/ticker-error.ts'
import { KafkaError, RefusedError, UnsentError } from '../kafka-error.ts'
import { BatchDelivery, type WaitingMessage, settleAll, splitAtDeadline } from './batch-delivery.ts'
import type { ProducerLease, SharedProducer } from './shared-producer.ts'

/** The library groups messages in quadratic time: 2,000 take 3 ms, 20,000 take 1.3 s. */
const batchMessages = 2000
/** A broker's default limit of a batch is 1,048,588 bytes. */
const batchBytes = 768 * 1024

export interface PartitionAppenderOptions {
  readonly topic: string
  readonly partition: number
  readonly producers: Pick<SharedProducer, 'acquire'>
  /** Called before a batch is sent again. */
  readonly onRetry: () => void
}

/**
 * Appends messages to one partition in order, one batch at a time: what comes while a batch is under way makes
 * up the next one. So a message that comes alone leaves at once, and under load batches grow by themselves. Each message
 * is answered when its own time is over, wherever it is then.
 */
export class PartitionAppender {
  readonly #options: PartitionAppenderOptions
  #waiting: WaitingMessage[] = []
  /** How many messages the next batches may have, since they were refused together. */
  #parts: number[] = []
  #delivery: BatchDelivery | undefined
  #timer: NodeJS.Timeout | undefined
  #isDraining = false

  constructor(options: PartitionAppenderOptions) {
    this.#options = options
  }

  /** Takes a message, which is not due before those that came earlier. */
  add(message: WaitingMessage): void {
    this.#waiting.push(message)
    this.#watch()
    if (!this.#isDraining) void this.#drain()
  }

  /** Gives up everything, at once. */
  close(): void {
    clearTimeout(this.#timer)
    this.#delivery?.giveUp(new KafkaError('not confirmed before the log was closed'))
    this.#refuseWaiting(new UnsentError('the log was closed'))
  }

  async #drain(): Promise<void> {
    this.#isDraining = true
    // What comes in the same turn goes into the same batch.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const lease = await this.#borrow()
      // What waits meanwhile was never sent, so its time may run out until here.
      if (lease !== undefined) await this.#appendNext(lease)
    }
    this.#isDraining = false
  }

  async #borrow(): Promise<ProducerLease | undefined> {
    try {
      return await this.#options.producers.acquire()
    } catch (error) {
      const isFatal = error instanceof KafkaError && error.severity === 'fatal'
      if (isFatal) this.#refuseWaiting(error instanceof RefusedError ? error : unsent(error))
      return undefined
    }
  }

  async #appendNext(lease: ProducerLease): Promise<void> {
    const { topic, partition, onRetry } = this.#options
    const messages = this.#takeBatch()
    if (messages.length === 0) return lease.release()
    const delivery = new BatchDelivery({ topic, partition, messages, producer: lease.producer, onRetry })
    this.#delivery = delivery
    const end = await delivery.run()
    this.#delivery = undefined
    if (end === 'uncertain') return await lease.discard(delivery.lastAttempt)
    // A broker counts only what it has taken, so after a refusal the producer goes on with the same number.
    if (end instanceof RefusedError) this.#takeBack(delivery.open, end)
    lease.release()
  }

  /** Tells a refusal, unless one message alone may be to blame for it: then the messages go again in halves. */
  #takeBack(messages: readonly WaitingMessage[], error: RefusedError): void {
    if (messages.length <= 1 || error.reason === 'forbidden') return settleAll(messages, { error })
    const half = Math.ceil(messages.length / 2)
    this.#waiting.unshift(...messages)
    this.#parts.unshift(half, messages.length - half)
  }

  #takeBatch(): readonly WaitingMessage[] {
    this.#expireWaiting()
    const most = this.#parts.shift() ?? batchMessages
    let bytes = 0
    let count = 0
    for (const message of this.#waiting) {
      bytes += bytesOf(message)
      if (count > 0 && (count === most || bytes > batchBytes)) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }

  #refuseWaiting(error: KafkaError): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#parts = []
    settleAll(waiting, { error })
  }

  /** Sees to it that messages are answered in time. */
  #watch(): void {
    const next = this.#delivery?.open[0] ?? this.#waiting[0]
    if (this.#timer !== undefined || next === undefined) return
    const expire = () => {
      this.#timer = undefined
      this.#delivery?.expire(performance.now())
      this.#expireWaiting()
      this.#watch()
    }
    this.#timer = setTimeout(expire, Math.ceil(next.deadlineMs - performance.now()))
  }

  #expireWaiting(): void {
    const { topic, partition } = this.#options
    const nowMs = performance.now()
    if ((this.#waiting[0]?.deadlineMs ?? nowMs + 1) > nowMs) return
    const [expired, open] = splitAtDeadline(this.#waiting, nowMs)
    this.#waiting = [...open]
    const why =
      this.#delivery === undefined ? 'Kafka could not be reached in time' : 'waited in vain behind others'
    settleAll(expired, { error: new UnsentError(`${topic}/${partition}: ${why}`) })
  }
}

/** About as many as the message takes on its way. */
function bytesOf({ key, value, headers = [] }: WaitingMessage): number {
  const ofHeaders = headers.reduce((sum, header) => sum + header.name.length + (header.value?.length ?? 0), 0)
  return key.length + (value?.length ?? 0) + ofHeaders
}

function unsent(error: unknown): UnsentError {
  return new UnsentError(messageOf(error), { cause: error, severity: 'fatal' })
}
