/** Something that is to happen once at a time; what recurs enters itself again. */
export type Duty = (ns: number) => void

interface Entry {
  readonly dueNs: number
  readonly duty: Duty
}

/** What is to happen and when: a dozen entries at most, so that a list does. */
export class Agenda {
  readonly #entries: Entry[] = []
  #dueNs = Number.POSITIVE_INFINITY

  /** When the earliest entry is due. */
  get dueNs(): number {
    return this.#dueNs
  }

  /** Enters a duty; the time is cut to whole nanoseconds. */
  at(ns: number, duty: Duty): void {
    const dueNs = Math.floor(ns)
    this.#entries.push({ dueNs, duty })
    if (dueNs < this.#dueNs) this.#dueNs = dueNs
  }

  /** Takes the earliest entry out and does it at `ns`; of several, the one entered first. */
  run(ns: number): void {
    const index = this.#entries.findIndex(entry => entry.dueNs === this.#dueNs)
    const [entry] = this.#entries.splice(index, 1)
    this.#dueNs = this.#entries.reduce((least, { dueNs }) => Math.min(least, dueNs), Number.POSITIVE_INFINITY)
    entry?.duty(ns)
  }
}
