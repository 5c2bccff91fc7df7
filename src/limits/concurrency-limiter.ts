import { Queue } from './queue.ts'

/**
 * Returns an asynchronous function of which at most `atOnce` calls are under way; further ones wait in the
 * order in which they came. So the ends of a storm of calls do not all come in one turn of the event loop.
 */
export function limitConcurrency<Input, Output>(
  pass: (input: Input) => Promise<Output>,
  atOnce: number,
): (input: Input) => Promise<Output> {
  const waiting = new Queue<() => void>()
  let inside = 0
  return async input => {
    if (inside >= atOnce) {
      await new Promise<void>(resolve => {
        waiting.push(resolve)
      })
    } else {
      inside += 1
    }
    try {
      return await pass(input)
    } finally {
      const next = waiting.shift()
      if (next === undefined) inside -= 1
      else next()
    }
  }
}

interface UserQueue {
  readonly run: (work: () => Promise<void>) => Promise<void>
  /** Calls under way or waiting. */
  count: number
}

/**
 * Limits how many tasks of each user are under way. A user's further tasks wait in their order; users do not
 * wait for each other.
 */
export class UserConcurrency {
  readonly #atOnce: number
  /** By user; a user without tasks is not kept. */
  readonly #queues = new Map<string, UserQueue>()

  constructor(atOnce: number) {
    this.#atOnce = atOnce
  }

  /** The number of users that have tasks. */
  get users(): number {
    return this.#queues.size
  }

  /** Whether the next task of this user would have to wait. */
  isFull(user: string): boolean {
    return (this.#queues.get(user)?.count ?? 0) >= this.#atOnce
  }

  async run(user: string, work: () => Promise<void>): Promise<void> {
    const lane = this.#queues.get(user) ?? { run: limitConcurrency(each => each(), this.#atOnce), count: 0 }
    this.#queues.set(user, lane)
    lane.count++
    try {
      await lane.run(work)
    } finally {
      if (--lane.count === 0) this.#queues.delete(user)
    }
  }
}
