import { readFileSync } from 'node:fs'

/**
 * Reserved for connections to brokers, for files and for operators: a quarter of the limit, within these
 * bounds.
 */
const leastSpare = 64
const mostSpare = 512
/** Connections that each operator listener may have of the reserve. */
const mostOfOperators = 100
const shareOfOperators = 1 / 8

/** How the file descriptors of a process are divided; each open file or socket takes one. */
interface FileDescriptors {
  /** The process's limit (`ulimit -n`); Node raises the soft limit to the hard one at start. */
  readonly limit: number
  /** Connections that the stream and `/v1` accept. */
  readonly room: number
  /** Connections that each operator listener accepts. */
  readonly operatorRoom: number
}

/**
 * Divides the file descriptors of this process, so that clients cannot take the last one. Without a free
 * descriptor Node itself fails (`process.memoryUsage()` opens a file), and a worker of `node:cluster` cannot
 * receive a connection, which its primary would keep for ever.
 */
export function divideFileDescriptors(limit = descriptorLimit()): FileDescriptors {
  const spare = Math.min(mostSpare, Math.max(leastSpare, Math.floor(limit / 4)))
  return {
    limit,
    room: Math.max(1, limit - spare),
    operatorRoom: Math.min(mostOfOperators, Math.floor(spare * shareOfOperators)),
  }
}

/** Returns `Infinity` where there is no limit, or the system does not state it. */
function descriptorLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? Number.POSITIVE_INFINITY : Number(soft)
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** The configured limits that take descriptors. */
interface AllowedConnections {
  readonly maxSessions: number
  readonly maxHandshakes: number
  readonly workers: number
}

/** Returns a warning for the operator where the configured limits need more descriptors than there are. */
export function fileDescriptorShortage(
  { limit, room }: FileDescriptors,
  allowed: AllowedConnections,
): string | undefined {
  const needed = Math.ceil(allowed.maxSessions / allowed.workers) + allowed.maxHandshakes
  if (room >= needed) return undefined
  return (
    `a process may have ${limit} descriptors (ulimit -n), which leaves ${room} for connections; ` +
    `TICKER_MAX_SESSIONS and TICKER_MAX_HANDSHAKES allow ${needed}: raise it, or lower them`
  )
}
