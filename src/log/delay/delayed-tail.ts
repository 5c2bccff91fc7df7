import { setImmediate } from 'node:timers/promises'
import { messageOf } from '../../diagnostics/ticker-error.ts'
import type { LogBatch, Partition, Position } from '../event-log.ts'
import { WakeSignal } from '../wake-signal.ts'
import { DelayedPartition, type PartitionDelay } from './delayed-partition.ts'

export interface DelayedTailOptions extends PartitionDelay {
  readonly signal: AbortSignal
  /** Called with each batch before the consumer gets it. */
  readonly onBatch: (batch: LogBatch) => void
}

/** The records of one array. */
const sliceRecords = 1000
/** Records that are due within this time come together. */
const coalescedMs = 20
/** How often to look for partitions and topics that are new or were recreated. */
const lookUpIntervalMs = 3000
/** A timer may run for some weeks at most. */
const longestWaitMs = 60_000
/** The approximate memory of all records that may be held, and of those of one partition. */
const maxHeldBytes = 64 * 1_048_576
const maxPartitionBytes = 4 * 1_048_576
const minPartitionBytes = 262_144

/** Follows every partition, each on its own, and gives records when they are due. */
export class DelayedTail {
  readonly #options: DelayedTailOptions
  readonly #ending = new AbortController()
  /** Aborts when the consumer leaves, too. */
  readonly #signal: AbortSignal
  readonly #partitions = new Map<Partition, DelayedPartition>()
  readonly #running = new Set<Promise<void>>()
  readonly #wake: WakeSignal
  /** Ends a rest between two arrays when the tail ends. */
  readonly #rest: WakeSignal
  /** The partition that comes first in the next array. */
  #turn = 0
  #fault: string | undefined

  constructor(options: DelayedTailOptions) {
    this.#options = options
    this.#signal = AbortSignal.any([options.signal, this.#ending.signal])
    this.#wake = new WakeSignal(options.startTimer)
    this.#rest = new WakeSignal(options.startTimer)
  }

  /** Since when some partition cannot be read, on the steady clock; `undefined` if all can be. */
  get silentSinceMs(): number | undefined {
    const sinceMs = Math.min(
      ...[...this.#partitions.values()].map(partition => partition.silentSinceMs ?? Number.POSITIVE_INFINITY),
    )
    return Number.isFinite(sinceMs) ? sinceMs : undefined
  }

  /** Why the log did not answer the last questions. */
  get faults(): readonly string[] {
    const faults = [this.#fault, ...[...this.#partitions.values()].map(({ fault }) => fault)]
    return faults.filter(fault => fault !== undefined)
  }

  get heldBytes(): number {
    return [...this.#partitions.values()].reduce((sum, partition) => sum + partition.heldBytes, 0)
  }

  /** See `EventLog.tail`. */
  async *read(from: readonly Position[]): AsyncGenerator<readonly LogBatch[], void> {
    const { clock, onBatch } = this.#options
    const signal = this.#signal
    const starts = new Map(from.map(start => [nameOf(start.partition), start]))
    const wake = () => {
      this.#wake.notify()
      this.#rest.notify()
    }
    signal.addEventListener('abort', wake, { once: true })
    this.#start(this.#followPartitions(starts))
    try {
      while (!signal.aborted) {
        const batches = this.#takeDue(clock.steady())
        if (batches.length > 0) {
          for (const batch of batches) onBatch(batch)
          yield batches
          // Slices that are due follow each other at once, but sockets and timers get a turn between them.
          await setImmediate()
        } else await this.#waitUntilDue()
      }
    } finally {
      signal.removeEventListener('abort', wake)
      this.#ending.abort()
      await Promise.all(this.#running)
    }
  }

  /** The next slice. Begins with another partition each turn, to starve none. */
  #takeDue(nowMs: number): LogBatch[] {
    const partitions = [...this.#partitions.values()]
    const batches: LogBatch[] = []
    let room = sliceRecords
    for (let index = 0; index < partitions.length && room > 0; index += 1) {
      const partition = partitions[(this.#turn + index) % partitions.length]
      while (room > 0) {
        const batch = partition?.take(nowMs, room)
        if (batch === undefined) break
        batches.push(batch)
        room -= batch.records.length
      }
    }
    this.#turn += 1
    return batches
  }

  /** Waits until the next record is due, and a little longer for others that are due soon after it. */
  async #waitUntilDue(): Promise<void> {
    const { clock, delayMs } = this.#options
    const nowMs = clock.steady()
    const nextMs = Math.min(...[...this.#partitions.values()].map(({ nextDueMs }) => nextDueMs))
    const restMs = Math.min(coalescedMs, delayMs / 4)
    if (nextMs > nowMs) await this.#wake.wait(Math.min(nextMs - nowMs, longestWaitMs))
    if (!this.#signal.aborted) await this.#rest.wait(restMs)
  }

  async #followPartitions(starts: Map<string, Position>): Promise<void> {
    const { log, startTimer } = this.#options
    const signal = this.#signal
    const pause = new WakeSignal(startTimer)
    const end = () => pause.notify()
    signal.addEventListener('abort', end, { once: true })
    while (!signal.aborted) {
      try {
        const firsts = await log.partitions(signal)
        for (const first of firsts) this.#follow(first, starts)
        this.#leaveGone(firsts)
        this.#fault = undefined
      } catch (error) {
        if (!signal.aborted) this.#fault = messageOf(error)
      }
      await pause.wait(lookUpIntervalMs)
    }
    signal.removeEventListener('abort', end)
  }

  #follow(first: Position, starts: Map<string, Position>): void {
    const known = this.#partitions.get(first.partition)
    if (known !== undefined) {
      if (known.epoch !== first.epoch) known.restart(first)
      return
    }
    const wanted = starts.get(nameOf(first.partition))
    const isSame = wanted?.epoch === first.epoch
    const partition = new DelayedPartition({
      ...this.#options,
      signal: this.#signal,
      start: { ...first, offset: isSame ? wanted.offset : first.offset },
      announcesStart: wanted !== undefined && !isSame,
      maxHeldBytes: () => this.#partitionBytes,
      onHeld: () => this.#wake.notify(),
    })
    this.#partitions.set(first.partition, partition)
    this.#start(partition.run())
  }

  /** Leaves the partitions that their topic no longer has since it was recreated. */
  #leaveGone(firsts: readonly Position[]): void {
    const found = new Set(firsts.map(({ partition }) => partition))
    const epochs = new Map(firsts.map(({ partition, epoch }) => [partition.topic, epoch]))
    for (const [key, partition] of this.#partitions) {
      const epoch = epochs.get(key.topic)
      if (found.has(key) || epoch === undefined || epoch === partition.epoch) continue
      partition.stop()
      this.#partitions.delete(key)
    }
  }

  get #partitionBytes(): number {
    const share = maxHeldBytes / Math.max(1, this.#partitions.size)
    return Math.min(Math.max(share, minPartitionBytes), maxPartitionBytes)
  }

  #start(work: Promise<void>): void {
    const running = work.finally(() => this.#running.delete(running))
    this.#running.add(running)
  }
}

function nameOf({ topic, partition }: Partition): string {
  return `${topic}/${partition}`
}
