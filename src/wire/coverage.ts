/** Offsets by the number of the partition; the next one to come. */
export type Positions = number[]

/** Events with the numbers of their partitions and their offsets. */
interface Placed {
  readonly partitions: Uint32Array
  readonly offsets: Float64Array
}

/** How far the receivers of a flush have everything, and will have. */
export interface Coverage {
  /** Up to where they have everything; moved on by each frame that says so. Where nothing is said, `begins` holds. */
  readonly covered: Positions
  /** Where each partition began for this node. */
  readonly begins: Positions
  /** Up to where the log was read with this flush. */
  readonly reached: Positions
}

/**
 * The ranges `[from, to)` that a frame covers: everything in them that is for its receivers lies in this frame or in an earlier
 * one. There is one, used again for every frame, so that a frame costs no more objects than its block.
 */
export class Ranges {
  count = 0
  /** The partitions' numbers, then where the ranges begin and end. */
  numbers = new Uint32Array(16)
  from = new Float64Array(16)
  to = new Float64Array(16)
  /** How many events of the partition the frame has. */
  events = new Uint32Array(16)
  /** By partition number: its place in the lists and one, or 0. */
  #places = new Uint32Array(64)
  /** The partitions of the frames of the flush under way that came before. */
  #earlier: number[] = []

  /** Takes in one event that the frame holds; later ones of its partition come later. */
  put({ partitions, offsets }: Placed, index: number): void {
    const number = partitions[index] ?? 0
    const place = this.#placeOf(number)
    this.to[place] = (offsets[index] ?? 0) + 1
    this.events[place] = (this.events[place] ?? 0) + 1
  }

  /** The last frame of a flush takes its receivers to where the log was read. */
  complete({ reached }: Coverage): void {
    if (this.#earlier.length > 0) {
      for (const number of this.#earlier) this.#placeOf(number)
      this.#earlier.length = 0
    }
    for (let place = 0; place < this.count; place++) this.to[place] = reached[this.numbers[place] ?? 0] ?? 0
  }

  /** Says from where the ranges reach. */
  begin({ covered, begins }: Coverage): void {
    for (let place = 0; place < this.count; place++) {
      const number = this.numbers[place] ?? 0
      this.from[place] = covered[number] ?? begins[number] ?? 0
    }
  }

  /** States that the ranges are covered now. */
  settle({ covered }: Coverage): void {
    for (let place = 0; place < this.count; place++) covered[this.numbers[place] ?? 0] = this.to[place] ?? 0
  }

  /** Forgets the ranges of a frame; their partitions are remembered for the last frame of the flush. */
  next(): void {
    for (let place = 0; place < this.count; place++) this.#earlier.push(this.numbers[place] ?? 0)
    this.clear()
  }

  clear(): void {
    for (let place = 0; place < this.count; place++) this.#places[this.numbers[place] ?? 0] = 0
    this.count = 0
  }

  #placeOf(number: number): number {
    if (number >= this.#places.length) this.#growPlaces(number)
    const known = this.#places[number] ?? 0
    if (known > 0) return known - 1
    if (this.count === this.numbers.length) this.#growLists()
    this.numbers[this.count] = number
    this.events[this.count] = 0
    this.#places[number] = this.count + 1
    return this.count++
  }

  #growPlaces(number: number): void {
    const places = new Uint32Array(Math.max(number + 1, this.#places.length * 2))
    places.set(this.#places)
    this.#places = places
  }

  #growLists(): void {
    const { numbers, from, to, events } = this
    const length = numbers.length * 2
    this.numbers = new Uint32Array(length)
    this.numbers.set(numbers)
    this.from = new Float64Array(length)
    this.from.set(from)
    this.to = new Float64Array(length)
    this.to.set(to)
    this.events = new Uint32Array(length)
    this.events.set(events)
  }
}
