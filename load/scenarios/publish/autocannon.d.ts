/** autocannon 9, as far as it is used here; it has no types of its own. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events'

  type Count = '2xx' | 'non2xx' | 'errors' | 'timeouts' | 'duration'

  export type AutocannonResult = Readonly<Record<Count, number>>

  /** Emits `response` with the client, the status, the bytes and the milliseconds. */
  export default function autocannon(
    options: object,
    done: (error: Error | null, result: AutocannonResult) => void,
  ): EventEmitter
}
