import type { Clock } from '../../../system/clock.ts'
import { messageOf } from '../../../diagnostics/ticker-error.ts'
import { maxBatchMessages } from '../connection/kafkajs-patches.ts'
import { KafkaError, RefusedError, UnsentError } from '../kafka-error.ts'
import { BatchDelivery, settleAll, splitAtDeadline, type WaitingMessage } from './batch-delivery.ts'
import type { ProducerLease, SharedProducer } from './shared-producer.ts'

/** Brokers accept batches of up to 1,048,588 bytes by default. */
const maxBatchBytes = 768 * 1024

export interface PartitionAppenderOptions {
  readonly topic: string
  readonly partition: number
  readonly producers: Pick<SharedProducer, 'acquire'>
  /** Called before a batch is sent again. */
  readonly onRetry: () => void
  readonly clock: Clock
}

/**
 * Appends messages to one partition in order, one batch at a time. Messages that come while a batch is under
 * way make up the next one. So a single message leaves at once, and under load batches grow by themselves.
 * Each message is settled at its own deadline, whether it waits or is under way.
 */
export class PartitionAppender {
  readonly #options: PartitionAppenderOptions
  #waiting: WaitingMessage[] = []
  /** The sizes of the next batches, whose messages were refused together. */
  #halves: number[] = []
  #delivery: BatchDelivery | undefined
  #timer: NodeJS.Timeout | undefined
  #isDraining = false

  constructor(options: PartitionAppenderOptions) {
    this.#options = options
  }

  /** Adds a message. Its deadline must not be before those of earlier messages. */
  add(message: WaitingMessage): void {
    this.#waiting.push(message)
    this.#startTimer()
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
    // Messages of the same turn go into the same batch.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const lease = await this.#acquireProducer()
      // Messages that waited for the producer were never sent, so they may still expire.
      if (lease !== undefined) await this.#appendNext(lease)
    }
    this.#isDraining = false
  }

  async #acquireProducer(): Promise<ProducerLease | undefined> {
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
    const messages = this.#nextBatch()
    if (messages.length === 0) return lease.release()
    const delivery = new BatchDelivery({ topic, partition, messages, producer: lease.producer, onRetry })
    this.#delivery = delivery
    const outcome = await delivery.run()
    this.#delivery = undefined
    if (outcome === 'uncertain') return await lease.discard(delivery.lastAttempt)
    // Brokers do not count a refused batch, so the producer goes on with the same sequence number.
    if (outcome instanceof RefusedError) this.#handleRefusal(delivery.unsettled, outcome)
    lease.release()
  }

  /** Settles the messages. If a single one may be to blame, sends them again in halves instead. */
  #handleRefusal(messages: readonly WaitingMessage[], error: RefusedError): void {
    if (messages.length <= 1 || error.reason === 'forbidden') return settleAll(messages, { error })
    const half = Math.ceil(messages.length / 2)
    this.#waiting.unshift(...messages)
    this.#halves.unshift(half, messages.length - half)
  }

  #nextBatch(): readonly WaitingMessage[] {
    this.#expireWaiting()
    const maxCount = this.#halves.shift() ?? maxBatchMessages
    let bytes = 0
    let count = 0
    for (const message of this.#waiting) {
      bytes += bytesOf(message)
      if (count > 0 && (count === maxCount || bytes > maxBatchBytes)) break
      count += 1
    }
    return this.#waiting.splice(0, count)
  }

  #refuseWaiting(error: KafkaError): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#halves = []
    settleAll(waiting, { error })
  }

  /** Makes sure that messages are settled at their deadlines. */
  #startTimer(): void {
    const next = this.#delivery?.unsettled[0] ?? this.#waiting[0]
    if (this.#timer !== undefined || next === undefined) return
    const { clock } = this.#options
    const expire = () => {
      this.#timer = undefined
      this.#delivery?.expire(clock.steady())
      this.#expireWaiting()
      this.#startTimer()
    }
    this.#timer = setTimeout(expire, Math.ceil(next.deadlineMs - clock.steady()))
  }

  #expireWaiting(): void {
    const { topic, partition, clock } = this.#options
    const nowMs = clock.steady()
    if ((this.#waiting[0]?.deadlineMs ?? nowMs + 1) > nowMs) return
    const [expired, remaining] = splitAtDeadline(this.#waiting, nowMs)
    this.#waiting = [...remaining]
    const why =
      this.#delivery === undefined ? 'Kafka could not be reached in time' : 'waited in vain behind others'
    settleAll(expired, { error: new UnsentError(`${topic}/${partition}: ${why}`) })
  }
}

/** The approximate size of a message in a batch. */
function bytesOf({ key, value, headers = [] }: WaitingMessage): number {
  const headerBytes = headers.reduce(
    (sum, header) => sum + header.name.length + (header.value?.length ?? 0),
    0,
  )
  return key.length + (value?.length ?? 0) + headerBytes
}

function unsent(error: unknown): UnsentError {
  return new UnsentError(messageOf(error), { cause: error, severity: 'fatal' })
}
