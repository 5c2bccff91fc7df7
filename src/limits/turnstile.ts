import { Queue } from './queue.ts'

/**
 * Lets a few through at a time: an asynchronous function of which at most `atOnce` calls are under way, the others waiting in the
 * order in which they came. So the ends of a storm of calls do not come all in one turn of the event loop.
 */
export function turnstile<Input, Output>(
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
