/** A message from the gateway; `T` is its type (`PROTOCOL.md` §4). */
export interface StreamMessage {
  readonly T: string
  readonly [field: string]: unknown
}

/**
 * Parses a frame: an array of messages. Entries that are not messages are dropped. Returns `undefined` if the
 * frame is not an array.
 */
export function readFrame(text: string): readonly StreamMessage[] | undefined {
  let frame: unknown
  try {
    frame = JSON.parse(text)
  } catch {
    return undefined
  }
  return Array.isArray(frame) ? frame.filter(isStreamMessage) : undefined
}

/** Returns the events of a snapshot message. */
export function eventsOf({ events }: StreamMessage): readonly StreamMessage[] {
  return Array.isArray(events) ? events.filter(isStreamMessage) : []
}

function isStreamMessage(value: unknown): value is StreamMessage {
  return typeof value === 'object' && value !== null && 'T' in value && typeof value.T === 'string'
}
