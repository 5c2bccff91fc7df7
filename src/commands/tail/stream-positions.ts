import type { ServerMessage } from './server-message.ts'

/** A partition as the gateway tells of it. */
interface PartitionPosition {
  readonly topic: string
  readonly partition: number
  readonly epoch: string
  readonly position: number
}

/** How far a stream was followed, so that another connection can go on there (`PROTOCOL.md` §8). */
export class StreamPositions {
  #byNumber = new Map<number, PartitionPosition>()

  /** What the next subscription says of it; empty before the first acknowledgement. */
  get cursor(): { readonly cursor?: object } {
    if (this.#byNumber.size === 0) return {}
    return { cursor: { version: 1, partitions: [...this.#byNumber.values()] } }
  }

  /** Takes a message in when everything before it was handled. */
  take(message: ServerMessage): void {
    const { T: type, partitions, ranges, positions } = message
    if (type === 'subscription' && Array.isArray(partitions)) this.#byNumber = new Map()
    if (type === 'subscription' || type === 'partitions')
      for (const each of listOf(partitions)) this.#number(each)
    if (type === 'coverage') for (const range of listOf(ranges)) this.#advance(range, 2)
    if (type === 'heartbeat' || type === 'shutdown')
      for (const position of listOf(positions)) this.#advance(position, 1)
  }

  #number(entry: unknown): void {
    if (typeof entry !== 'object' || entry === null || !('number' in entry)) return
    const { number } = entry
    if (typeof number === 'number' && isPosition(entry)) this.#byNumber.set(number, positionOf(entry))
  }

  /** `at` says where in the entry the position stands, behind the partition's number. */
  #advance(entry: unknown, at: number): void {
    if (!Array.isArray(entry)) return
    const [number, position]: unknown[] = [entry[0], entry[at]]
    if (typeof number !== 'number' || typeof position !== 'number') return
    const known = this.#byNumber.get(number)
    if (known !== undefined && known.position < position) this.#byNumber.set(number, { ...known, position })
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function isPosition(entry: object): entry is PartitionPosition {
  return 'topic' in entry && 'partition' in entry && 'epoch' in entry && 'position' in entry
}

function positionOf({ topic, partition, epoch, position }: PartitionPosition): PartitionPosition {
  return { topic, partition, epoch, position }
}
