import { readFileSync } from 'node:fs'

/** Kept for what is no client (Kafka's brokers, files, operators): a quarter of what there is, but no fewer and no more than these. */
const leastSpare = 64
const mostSpare = 512
/** Connections that each listener for operators may have of them. */
const mostOfOperators = 100
const shareOfOperators = 1 / 8

/** What the descriptors of a process go to: each open file or socket takes one. */
export interface FileDescriptors {
  /** What the process may have (`ulimit -n`); Node raises the soft limit to the hard one when it starts. */
  readonly limit: number
  /** Connections to the stream and `/v1` that it takes. */
  readonly room: number
  /** Connections that each listener for operators takes. */
  readonly operatorRoom: number
}

/**
 * Divides the descriptors of this process, so that clients cannot take the last one: without any, Node itself fails (`process.memoryUsage()`
 * opens a file), and a worker of `node:cluster` cannot be handed a connection, which its primary would keep for ever.
 */
export function divideFileDescriptors(limit = descriptorLimit()): FileDescriptors {
  const spare = Math.min(mostSpare, Math.max(leastSpare, Math.floor(limit / 4)))
  return {
    limit,
    room: Math.max(1, limit - spare),
    operatorRoom: Math.min(mostOfOperators, Math.floor(spare * shareOfOperators)),
  }
}

/** `Infinity` where there is no limit, or the system does not tell. */
function descriptorLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** What the limits allow at a time. */
export interface AllowedConnections {
  readonly maxSessions: number
  readonly maxHandshakes: number
  readonly workers: number
}

/** What to tell the operator where there are fewer descriptors than the limits allow connections; `undefined` where there are enough. */
export function describeShortage(
  { limit, room }: FileDescriptors,
  allowed: AllowedConnections,
): string | undefined {
  const needed = Math.ceil(allowed.maxSessions / allowed.workers) + allowed.maxHandshakes
  if (room >= needed) return undefined
  return `a process may have ${limit} descriptors (ulimit -n), which leaves ${room} for connections; TICKER_MAX_SESSIONS and TICKER_MAX_HANDSHAKES allow ${needed}: raise it, or lower them`
}
