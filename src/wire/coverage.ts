/** Offsets by partition number: the next one to come. */
export type Positions = number[]

/** Events with the numbers of their partitions and their offsets. */
interface PositionedEvents {
  readonly partitions: Uint32Array
  readonly offsets: Float64Array
}

/** How far the receivers of a flush have everything, and how far they will have it. */
export interface Coverage {
  /**
   * Up to where they have everything. Each frame that states its coverage moves this on. `begins` holds where
   * an entry is missing.
   */
  readonly covered: Positions
  /** Where each partition began for this node. */
  readonly begins: Positions
  /** Up to where the log was read with this flush. */
  readonly reached: Positions
}

/**
 * The ranges `[from, to)` that a frame covers: of these offsets its receivers have every event in this frame
 * or in earlier ones. One object serves all frames of a wire form, so that a frame allocates nothing but
 * itself.
 */
export class CoverageRanges {
  count = 0
  /** The numbers of the partitions, and where their ranges begin and end. */
  numbers = new Uint32Array(16)
  from = new Float64Array(16)
  to = new Float64Array(16)
  /** The number of the partition's events in the frame. */
  events = new Uint32Array(16)
  /** By partition number: the place of its range, plus one; 0 if it has none. */
  #places = new Uint32Array(64)
  /** The partitions of earlier frames of the flush. */
  #earlier: number[] = []

  /** Includes an event of the frame. A partition's events come in the order of their offsets. */
  include({ partitions, offsets }: PositionedEvents, index: number): void {
    const number = partitions[index] ?? 0
    const place = this.#placeOf(number)
    this.to[place] = (offsets[index] ?? 0) + 1
    this.events[place] = (this.events[place] ?? 0) + 1
  }

  /** Extends the ranges of the last frame to where the log was read, for every partition of the flush. */
  complete({ reached }: Coverage): void {
    if (this.#earlier.length > 0) {
      for (const number of this.#earlier) this.#placeOf(number)
      this.#earlier.length = 0
    }
    for (let place = 0; place < this.count; place++) this.to[place] = reached[this.numbers[place] ?? 0] ?? 0
  }

  /** Sets where the ranges begin: where the receivers' coverage ends. */
  setStarts({ covered, begins }: Coverage): void {
    for (let place = 0; place < this.count; place++) {
      const number = this.numbers[place] ?? 0
      this.from[place] = covered[number] ?? begins[number] ?? 0
    }
  }

  /** Moves the receivers' coverage to the end of the ranges. */
  settle({ covered }: Coverage): void {
    for (let place = 0; place < this.count; place++) covered[this.numbers[place] ?? 0] = this.to[place] ?? 0
  }

  /** Begins another frame of the flush. */
  nextFrame(): void {
    for (let place = 0; place < this.count; place++) this.#earlier.push(this.numbers[place] ?? 0)
    this.clear()
  }

  /** Begins another flush. */
  clear(): void {
    for (let place = 0; place < this.count; place++) this.#places[this.numbers[place] ?? 0] = 0
    this.count = 0
  }

  #placeOf(number: number): number {
    if (number >= this.#places.length) this.#growPlaces(number + 1)
    const known = this.#places[number] ?? 0
    if (known > 0) return known - 1
    if (this.count === this.numbers.length) this.#growColumns()
    this.numbers[this.count] = number
    this.events[this.count] = 0
    this.#places[number] = this.count + 1
    return this.count++
  }

  #growPlaces(needed: number): void {
    const places = this.#places
    this.#places = new Uint32Array(Math.max(needed, places.length * 2))
    this.#places.set(places)
  }

  #growColumns(): void {
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
