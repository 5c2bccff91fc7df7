import { once } from 'node:events'
import { WebSocket } from 'ws'

/**
 * Asks a process for its heap over V8's inspector (https://chromedevtools.github.io/devtools-protocol/v8).
 */
export class HeapProbe {
  readonly #socket: WebSocket
  readonly #waiting = new Map<number, (result: Result) => void>()
  #calls = 0

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data: Buffer) => {
      const { id, result } = JSON.parse(data.toString()) as { readonly id: number; readonly result: Result }
      this.#waiting.get(id)?.(result)
      this.#waiting.delete(id)
    })
  }

  static async connect(url: string): Promise<HeapProbe> {
    const socket = new WebSocket(url, { perMessageDeflate: false })
    await once(socket, 'open')
    return new HeapProbe(socket)
  }

  /**
   * Collects what is garbage, and gives what is left, in bytes: of objects, and of buffers outside the heap.
   */
  async collect(): Promise<{ readonly heapBytes: number; readonly bufferBytes: number }> {
    // What finalizers let go of is garbage only after the first.
    await this.#call('HeapProfiler.collectGarbage')
    await this.#call('HeapProfiler.collectGarbage')
    const { usedSize = 0, backingStorageSize = 0 } = await this.#call('Runtime.getHeapUsage')
    return { heapBytes: usedSize, bufferBytes: backingStorageSize }
  }

  close(): void {
    this.#socket.close()
  }

  async #call(method: string): Promise<Result> {
    this.#calls += 1
    const { promise, resolve } = Promise.withResolvers<Result>()
    this.#waiting.set(this.#calls, resolve)
    this.#socket.send(JSON.stringify({ id: this.#calls, method }))
    return await promise
  }
}

interface Result {
  readonly usedSize?: number
  readonly backingStorageSize?: number
}
