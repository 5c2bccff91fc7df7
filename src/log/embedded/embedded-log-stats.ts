/** Counters since the log was opened. */
export type EmbeddedLogStats = {
  /** Events written to the file by this log. */
  appended: number
  /** Transactions that wrote these events. Under load, each writes more. */
  groups: number
  /** Events answered with an error. */
  refused: number
  /** Records that retention dropped. */
  dropped: number
  /** Reads, and steps of retention and checkpoints, that failed by a fault of the file. */
  faults: number
}

/** Counters at zero. */
export function createEmbeddedLogStats(): EmbeddedLogStats {
  return { appended: 0, groups: 0, refused: 0, dropped: 0, faults: 0 }
}
