/** The rows that a read has chosen, in any order, each with the number of events that it replaces. */
export class Selection {
  count = 0
  bytes = 0
  #addresses = new Float64Array(512)
  #replaced = new Uint32Array(512)
  #order = new Uint32Array(512)

  clear(): void {
    this.count = 0
    this.bytes = 0
  }

  add(address: number, replaced: number): void {
    if (this.count === this.#addresses.length) this.#grow()
    this.#addresses[this.count] = address
    this.#replaced[this.count] = replaced
    this.count++
  }

  /** Visits the rows by address. */
  visit(each: (address: number, replaced: number) => void): void {
    const addresses = this.#addresses
    const order = this.#order.subarray(0, this.count)
    for (let index = 0; index < order.length; index++) order[index] = index
    order.sort((a, b) => (addresses[a] ?? 0) - (addresses[b] ?? 0))
    for (const index of order) each(addresses[index] ?? 0, this.#replaced[index] ?? 0)
  }

  #grow(): void {
    const addresses = this.#addresses
    const replaced = this.#replaced
    this.#addresses = new Float64Array(addresses.length * 2)
    this.#addresses.set(addresses)
    this.#replaced = new Uint32Array(replaced.length * 2)
    this.#replaced.set(replaced)
    this.#order = new Uint32Array(addresses.length * 2)
  }
}
