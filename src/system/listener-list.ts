/** The functions that are told of events of one kind, in the order in which they were added. */
export class ListenerList<Event> {
  #listeners: readonly ((event: Event) => void)[] = []

  /** Adds a listener, which must not throw. Returns a function that removes it. */
  add(listener: (event: Event) => void): () => void {
    this.#listeners = [...this.#listeners, listener]
    return () => {
      this.#listeners = this.#listeners.filter(each => each !== listener)
    }
  }

  /** Tells every listener. */
  notify(event: Event): void {
    const listeners = this.#listeners
    // A `for … of` would allocate an iterator, with each flush of a feed.
    for (let at = 0; at < listeners.length; at++) listeners[at]?.(event)
  }
}
