/** Counters since the log was opened. */
export type EmbeddedLogStats = {
  /** Events written to the file by this log. */
  appended: number
  /** Transactions that wrote them; events per group grow with the load. */
  groups: number
  /** Events answered with an error. */
  refused: number
  /** Records that retention dropped. */
  dropped: number
  /** Reads and cleanings that a fault of the file ended. */
  faults: number
}

/** Counters at zero. */
export function createEmbeddedLogStats(): EmbeddedLogStats {
  return { appended: 0, groups: 0, refused: 0, dropped: 0, faults: 0 }
}
