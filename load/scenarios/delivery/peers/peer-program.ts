import { setTimeout as pause } from 'node:timers/promises'
import { answerCalls } from '../../../lib/child.ts'
import { monotonicUs } from '../../../lib/clocks.ts'
import type { Batch } from '../workload.ts'

/** What a server has to do to be measured beside the gateway. */
export interface PeerProgram {
  /**
   * Listens on a free port of 127.0.0.1 and returns it. Clients name their symbols: `?symbols=A,B`. The file
   * holds a certificate and its key; without it clients come without TLS.
   */
  listen(pairFile: string | undefined): Promise<number>
  /** Does what its users would have done before an event comes; the returned function delivers the batch. */
  prepare(batch: Batch): () => void
}

/** The clients of a server, by the symbols that they want. */
export class Subscribers<Client> {
  readonly #bySymbol = new Map<string, Set<Client>>()

  /** Adds a client; the returned function removes it. `symbols` is `A,B`. */
  add(client: Client, symbols: string): () => void {
    const own = symbols.split(',').map(symbol => this.#bySymbol.getOrInsertComputed(symbol, () => new Set()))
    for (const clients of own) clients.add(client)
    return () => {
      for (const clients of own) clients.delete(client)
    }
  }

  of(symbol: string): Iterable<Client> {
    return this.#bySymbol.get(symbol) ?? []
  }
}

/** Serves a peer's program to the process that measures. */
export function servePeer(program: PeerProgram): void {
  answerCalls(functionsOf(program))
}

/** The functions of a peer's process. */
export type PeerFunctions = ReturnType<typeof functionsOf>

function functionsOf(program: PeerProgram) {
  let deliveries: readonly (() => void)[] = []
  return {
    listen: (pairFile: string | undefined) => program.listen(pairFile),
    prepare(batches: readonly Batch[]) {
      deliveries = batches.map(batch => program.prepare(batch))
    },
    run: (intervalMs: number) => emitPaced(deliveries, intervalMs),
  }
}

/** Delivers the batches at an even pace; resolves with when each began, by the monotonic clock. */
async function emitPaced(deliveries: readonly (() => unknown)[], intervalMs: number): Promise<Float64Array> {
  const begunUs = monotonicUs()
  const startsUs = new Float64Array(deliveries.length)
  for (const [index, deliver] of deliveries.entries()) {
    const leftUs = begunUs + index * intervalMs * 1000 - monotonicUs()
    await pause(Math.max(0, Math.ceil(leftUs / 1000)))
    startsUs[index] = monotonicUs()
    await deliver()
  }
  return startsUs
}

/** The same, but each batch is sent when the one before has arrived everywhere. */
export function emitInTurn(
  sends: readonly (() => unknown)[],
  intervalMs: number,
  arrived: (batch: number) => Promise<void>,
): Promise<Float64Array> {
  const deliveries = sends.map((send, batch) => async () => {
    await send()
    await arrived(batch)
  })
  return emitPaced(deliveries, intervalMs)
}
