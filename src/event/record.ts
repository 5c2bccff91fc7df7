/** A record header, as in Kafka: a name may occur more than once. */
export interface RecordHeader {
  readonly name: string
  readonly value: Buffer | null
}

/** One record. `key`, `value` and header values are views of a larger buffer: copy what outlives the batch. */
export interface LogRecord {
  readonly offset: number
  /** Milliseconds since 1970, from the producer or the broker as the topic is configured. */
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** In their order; at most 256, the first ones. */
  readonly headers: readonly RecordHeader[]
}
