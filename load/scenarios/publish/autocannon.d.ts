/** autocannon 9, as far as it is used here; it has no types of its own. */
declare module 'autocannon' {
  import type { EventEmitter } from 'node:events'

  export interface AutocannonOptions {
    readonly url: string
    readonly connections: number
    /** Seconds. */
    readonly duration: number
    readonly method: string
    readonly headers: Readonly<Record<string, string>>
    /** Each connection sends them in turn. */
    readonly requests: readonly { readonly body: string }[]
  }

  export interface AutocannonResult {
    readonly '2xx': number
    readonly non2xx: number
    readonly errors: number
    readonly timeouts: number
    /** Seconds. */
    readonly duration: number
  }

  /** Emits `response` with the client, the status, the bytes and the milliseconds. */
  export default function autocannon(
    options: AutocannonOptions,
    done: (error: Error | null, result: AutocannonResult) => void,
  ): EventEmitter
}
