import type { Block } from '../wire/block.ts'
import type { Pace } from './pace.ts'

/** Blocks sent before the event loop has its turn. */
const blocksPerTurn = 4
const maxWaiting = 16

/** A snapshot, and how it is made. */
interface Snapshot {
  readonly make: () => Iterable<Block>
  readonly blocks: Iterator<Block>
}

export interface SnapshotParts {
  readonly pace: Pace
  readonly write: (block: Block) => void
  /** Whether values of this moment may be sent now; if not, `resume` is called when they may. */
  readonly mayGoOn: () => boolean
}

/**
 * Sends snapshots piece by piece, as fast as the connection takes them: each piece is made only when there is room
 * for it, of the values current then, so a snapshot of a whole market costs no memory and never makes its reader slow.
 */
export class SnapshotSender {
  readonly #parts: SnapshotParts
  readonly #wake = (): void => this.resume()
  #waiting: Snapshot[] = []
  #turn: NodeJS.Immediate | undefined

  constructor(parts: SnapshotParts) {
    this.#parts = parts
  }

  /** Whether a further snapshot may wait its turn. */
  get isFull(): boolean {
    return this.#waiting.length >= maxWaiting
  }

  add(make: () => Iterable<Block>): void {
    this.#waiting.push(begin(make))
    if (this.#waiting.length > 1) return
    this.#parts.pace.onRoom(this.#wake)
    this.resume()
  }

  /** Makes anew what has not been sent whole: what it may hold has changed. */
  restart(): void {
    this.#waiting = this.#waiting.map(({ make }) => begin(make))
  }

  /** Forgets what has not been sent. */
  end(): void {
    this.#waiting = []
    clearImmediate(this.#turn)
    this.#parts.pace.offRoom(this.#wake)
  }

  /** Goes on, as far as there is room. */
  resume(): void {
    const { pace, write, mayGoOn } = this.#parts
    clearImmediate(this.#turn)
    for (let sent = 0; sent < blocksPerTurn; sent++) {
      const [snapshot] = this.#waiting
      if (snapshot === undefined || !pace.hasRoom || !mayGoOn()) return
      const { done, value } = snapshot.blocks.next()
      if (done === true) this.#waiting.shift()
      else write(value)
      if (this.#waiting.length === 0) return pace.offRoom(this.#wake)
    }
    this.#turn = setImmediate(this.#wake)
  }
}

function begin(make: () => Iterable<Block>): Snapshot {
  return { make, blocks: make()[Symbol.iterator]() }
}
