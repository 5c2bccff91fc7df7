/** What is limited for each of something: connections of an address, sessions of a user. */
export const placeKinds = ['connectionsPerAddress', 'sessionsPerUser'] as const

export type PlaceKind = (typeof placeKinds)[number]

/** Gives a place back; calling it again does nothing. */
export type Release = () => void

/** Who has how many places. A promise, because processes that share a node's limits have to ask one of them. */
export interface Ledger {
  /** Claims a place under a key; `undefined` when all of its places are taken. */
  claim(kind: PlaceKind, key: string): Promise<Release | undefined>
}

/** The ledger of one process. */
export class LocalLedger implements Ledger {
  readonly #limits: Readonly<Record<PlaceKind, number>>
  /** Places taken, by kind and key; a key without any is not kept. */
  readonly #taken = new Map<PlaceKind, Map<string, number>>(placeKinds.map(kind => [kind, new Map()]))

  constructor(limits: Readonly<Record<PlaceKind, number>>) {
    this.#limits = limits
  }

  claim(kind: PlaceKind, key: string): Promise<Release | undefined> {
    const taken = this.#taken.get(kind) ?? new Map<string, number>()
    const count = taken.get(key) ?? 0
    if (count >= this.#limits[kind]) return Promise.resolve(undefined)
    taken.set(key, count + 1)
    let isTaken = true
    return Promise.resolve(() => {
      if (!isTaken) return
      isTaken = false
      const left = (taken.get(key) ?? 1) - 1
      if (left > 0) taken.set(key, left)
      else taken.delete(key)
    })
  }
}
