import { setTimeout as pause } from 'node:timers/promises'
import { answerCalls } from '../child-calls.ts'
import { monotonicUs } from '../monotonic-clock.ts'
import type { Batch } from './workload.ts'

/** What a server has to do to be measured beside the gateway. */
export interface PeerProgram {
  /** Listens on a free port of 127.0.0.1 and tells it. Clients name their symbols in the query: `?symbols=A,B`. */
  listen(tls: TlsFiles | undefined): Promise<number>
  /** Does what its users would have done before an event comes; what it returns delivers the batch. */
  prepare(batch: Batch): () => void
}

/** Where a certificate and its key lie. */
export interface TlsFiles {
  readonly pairFile: string
}

/** What a peer's process offers. */
// A type, since an interface has no index signature.
export type PeerFunctions = {
  listen(tls: TlsFiles | undefined): Promise<number>
  prepare(batches: readonly Batch[]): void
  run(intervalMs: number): Promise<Float64Array>
}

/** Serves a peer's program to the process that measures. */
export function servePeer(program: PeerProgram): void {
  let deliveries: readonly (() => void)[] = []
  const functions: PeerFunctions = {
    listen: tls => program.listen(tls),
    prepare(batches) {
      deliveries = batches.map(batch => program.prepare(batch))
    },
    run: intervalMs => emitPaced(deliveries, intervalMs),
  }
  answerCalls(functions)
}

/** Delivers batch after batch at an even pace, one per turn of the loop; resolves with when each began, by the monotonic clock. */
export async function emitPaced(
  deliveries: readonly (() => unknown)[],
  intervalMs: number,
): Promise<Float64Array> {
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
