/** How a reader goes about it. */
export const ways = ['rows', 'chains', 'chosen'] as const
export type Way = (typeof ways)[number]

/** What an event costs that is taken in. */
export interface Taking {
  /** Of JSON. */
  readonly eventBytes: number
  /** Heap and buffers that are there after a collection, by event. */
  readonly bytesPerEvent: number
  /** By the window's own account. */
  readonly countedBytesPerEvent: number
  readonly appendUs: number
  /** The same when for each event another one leaves. */
  readonly rollingUs: number
  /** Buffers that were there at most when others leave, by what the window may take. */
  readonly rollingMemory: number
  /** The longest that the events of one batch took, 500 of them, when others leave. */
  readonly longestBatchMs: number
  /** The longest collection meanwhile. */
  readonly longestCollectionMs: number
}

/** What a reader costs until it has everything. */
export interface CatchUp {
  readonly ms: number
  readonly events: number
  readonly reads: number
  readonly longestReadMs: number
}
