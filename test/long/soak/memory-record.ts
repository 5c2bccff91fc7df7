import type { GatewayProcess } from '../../support/gateway-process.ts'
import type { HeapProbe } from './heap-probe.ts'

/** A process' memory at a moment, after a collection, in MiB. */
export interface MemorySample {
  readonly rss: number
  readonly heap: number
  /** Outside the heap. */
  readonly buffers: number
}

const mebibyte = 1_048_576

/** The memory of a gateway over time. */
export class MemoryRecord {
  readonly samples: MemorySample[] = []
  readonly #gateway: GatewayProcess
  readonly #heap: HeapProbe

  constructor(gateway: GatewayProcess, heap: HeapProbe) {
    this.#gateway = gateway
    this.#heap = heap
  }

  async sample(): Promise<void> {
    const { heapBytes, bufferBytes } = await this.#heap.collect()
    const rssBytes = (await this.#gateway.metric('process_resident_memory_bytes')) ?? Number.NaN
    this.samples.push({
      rss: rssBytes / mebibyte,
      heap: heapBytes / mebibyte,
      buffers: bufferBytes / mebibyte,
    })
  }

  /**
   * The medians of the third and of the fourth quarter: what has been filled once, as caches are, grows no
   * more.
   */
  get halves(): { readonly third: MemorySample; readonly fourth: MemorySample } {
    const { length } = this.samples
    const [half, threeQuarters] = [Math.floor(length / 2), Math.floor((length * 3) / 4)]
    return {
      third: medians(this.samples.slice(half, threeQuarters)),
      fourth: medians(this.samples.slice(threeQuarters)),
    }
  }
}

function medians(samples: readonly MemorySample[]): MemorySample {
  return {
    rss: median(samples.map(({ rss }) => rss)),
    heap: median(samples.map(({ heap }) => heap)),
    buffers: median(samples.map(({ buffers }) => buffers)),
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? Number.NaN
}
