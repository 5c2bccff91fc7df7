/** Counters since the log was opened. */
export type KafkaStats = {
  /** Fetch requests that were answered, of tails and of ranges. */
  fetches: number
  /** Bytes of record batches that these brought; times the number of nodes, Kafka's egress. */
  fetchedBytes: number
  /** Batches passed over because they are not what was written: a broker's disk or a network is broken. */
  corruptBatches: number
  /**
   * Batches passed over in a compression or message format that cannot be read: a producer's settings are to
   * blame.
   */
  unsupportedBatches: number
  /** Times that a reader met the end of what a partition retains, because it was too far behind. */
  positionsExpired: number
  /** Times that a partition lost its end, by an unclean election of its leader. */
  positionsTruncated: number
  /**
   * Connections that failed, or could not be made; a rise says that brokers or the network are in trouble.
   */
  connectionFailures: number
  /** Partitions that a broker refused to read from: it is no longer their leader, say. */
  refusals: number
  /** Times that brokers and topics were looked up. */
  metadataRefreshes: number
  /** Events that were appended durably. */
  appendedEvents: number
  /** Events whose append failed or remained uncertain. */
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
