import { parsePositions } from '../../protocol/positions.ts'

/** Partitions of a topic with the positions that a client has reached, written to the base of 36. */
export interface ReachedTopic {
  readonly topic: string
  readonly epoch: string
  /** From partition 0 on, separated by commas; empty where a position is not known. */
  readonly positions: string
}

/** A cursor as clients spell it (`PROTOCOL.md` §8). */
export interface WrittenCursor {
  readonly version: 1
  readonly partitions: readonly ReachedTopic[]
}

/** Proxies and servers take header fields of 8 kB and more; others stand beside `Last-Event-ID`. */
export const maxEventIdBytes = 4096
/** The beginning of every id; another one would be another format. */
export const eventIdVersion = '1'

/**
 * Returns the beginning of a topic in an id, which its positions follow, with commas between. Neither `;` nor
 * `:` nor a comma is left in a name.
 */
export function writeTopic(topic: string, epoch: string): string {
  return `;${encodeName(topic)}:${encodeName(epoch)}:`
}

/** Reads an id: printable ASCII, `1`, then `;topic:epoch:positions` of each topic. */
export function readEventId(id: string): WrittenCursor | { readonly fault: string } {
  if (id.length > maxEventIdBytes)
    return { fault: `it has ${id.length} characters; ids have at most ${maxEventIdBytes}` }
  const [first, ...topics] = id.split(';')
  if (first !== eventIdVersion)
    return {
      fault: `it begins with ${JSON.stringify(first?.slice(0, 40))}; ids of this version begin with "${eventIdVersion}"`,
    }
  const partitions: ReachedTopic[] = []
  for (const [index, text] of topics.entries()) {
    const topic = readTopic(text)
    if (topic === undefined)
      return {
        fault: `its part ${index + 1}, ${JSON.stringify(text.slice(0, 80))}, is not topic:epoch:positions`,
      }
    partitions.push(topic)
  }
  return { version: 1, partitions }
}

function readTopic(text: string): ReachedTopic | undefined {
  const [topic, epoch, positions, ...rest] = text.split(':')
  if (topic === undefined || epoch === undefined || positions === undefined || rest.length > 0)
    return undefined
  if (parsePositions(positions) === undefined) return undefined
  try {
    const names = { topic: decodeURIComponent(topic), epoch: decodeURIComponent(epoch) }
    return names.topic === '' || names.epoch === '' ? undefined : { ...names, positions }
  } catch {
    return undefined
  }
}

function encodeName(name: string): string {
  return encodeURIComponent(name.toWellFormed())
}
