import type { Block } from '../wire/block.ts'
import type { Transport } from './transport.ts'

/** Blocks sent before the event loop has its turn. */
const blocksPerTurn = 4
const maxWaiting = 16

/** A snapshot, and how it is made. */
interface Snapshot {
  readonly make: () => Iterable<Block>
  readonly blocks: Iterator<Block>
}

/**
 * Sends snapshots piece by piece, as fast as the connection takes them: each piece is made only when there is room
 * for it, of the values current then, so a snapshot of a whole market costs no memory and never makes its reader slow.
 */
export class SnapshotSender {
  readonly #transport: Transport
  readonly #write: (block: Block) => void
  #waiting: Snapshot[] = []
  #turn: NodeJS.Immediate | undefined

  constructor(transport: Transport, write: (block: Block) => void) {
    this.#transport = transport
    this.#write = write
    transport.onDrain(() => this.#send())
  }

  /** Whether a further snapshot may wait its turn. */
  get isFull(): boolean {
    return this.#waiting.length >= maxWaiting
  }

  add(make: () => Iterable<Block>): void {
    this.#waiting.push(begin(make))
    if (this.#waiting.length === 1) this.#send()
  }

  /** Makes anew what has not been sent whole: what it may hold has changed. */
  restart(): void {
    this.#waiting = this.#waiting.map(({ make }) => begin(make))
  }

  /** Forgets what has not been sent. */
  end(): void {
    this.#waiting = []
    clearImmediate(this.#turn)
  }

  #send(): void {
    clearImmediate(this.#turn)
    for (let sent = 0; sent < blocksPerTurn; sent++) {
      const [snapshot] = this.#waiting
      if (snapshot === undefined || !this.#transport.hasRoom) return
      const { done, value } = snapshot.blocks.next()
      if (done === true) this.#waiting.shift()
      else this.#write(value)
    }
    this.#turn = setImmediate(() => this.#send())
  }
}

function begin(make: () => Iterable<Block>): Snapshot {
  return { make, blocks: make()[Symbol.iterator]() }
}
