/** Counters since the log was opened. */
export type KafkaStats = {
  /** Answered fetch requests, of tails and ranges. */
  fetches: number
  /** Bytes of record batches in these answers. Times the number of nodes, this is Kafka's egress. */
  fetchedBytes: number
  /** Batches skipped because they were damaged by a broker's disk or by a network. */
  corruptBatches: number
  /** Batches skipped because a producer used a compression or message format that cannot be read. */
  unsupportedBatches: number
  /** Positions that retention had dropped before they were read. */
  positionsExpired: number
  /** Positions beyond the end of a partition that lost records, by an unclean election of its leader. */
  positionsTruncated: number
  /** Connections that failed, or could not be opened. A rise suggests trouble with brokers or the network. */
  connectionFailures: number
  /** Partitions that a broker refused to read, for example because it is no longer their leader. */
  refusals: number
  /** Look-ups of brokers and topics. */
  metadataRefreshes: number
  /** Events that were appended durably. */
  appendedEvents: number
  /** Events whose append failed or remained unconfirmed. */
  failedEvents: number
  /** Batches that were sent again after a failure. */
  appendRetries: number
}

/** Counters at zero. */
export function createKafkaStats(): KafkaStats {
  return {
    fetches: 0,
    fetchedBytes: 0,
    corruptBatches: 0,
    unsupportedBatches: 0,
    positionsExpired: 0,
    positionsTruncated: 0,
    connectionFailures: 0,
    refusals: 0,
    metadataRefreshes: 0,
    appendedEvents: 0,
    failedEvents: 0,
    appendRetries: 0,
  }
}
