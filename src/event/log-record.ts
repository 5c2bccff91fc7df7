/** A partition of a topic. While it is open, a log represents each partition by one object. */
export interface Partition {
  readonly topic: string
  readonly partition: number
}

/**
 * The next offset to read in a partition. `epoch` identifies the incarnation of the topic (Kafka's topic id),
 * so that offsets of a deleted topic are not taken for those of the topic that was recreated.
 */
export interface Position {
  readonly partition: Partition
  readonly epoch: string
  readonly offset: number
}

/**
 * Why an event was not appended to the log. `unconfirmed`: it may be there; with the others it is not.
 * `unsent`: it was never sent. Otherwise the log refused it, and would again: rights or credentials are
 * missing (`forbidden`), it is longer than its topic allows (`oversize`), or it breaks another rule
 * (`rejected`).
 */
export type AppendFailure = 'unsent' | 'unconfirmed' | 'forbidden' | 'oversize' | 'rejected'

/** A record header, as in Kafka. A name may occur more than once. */
export interface RecordHeader {
  readonly name: string
  readonly value: Buffer | null
}

/** A record. `key`, `value` and header values are views of a larger buffer: copy what outlives the batch. */
export interface LogRecord {
  readonly offset: number
  /** Milliseconds since 1970, from the producer or the broker as the topic is configured. */
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** In order; the first 256 at most. */
  readonly headers: readonly RecordHeader[]
}
