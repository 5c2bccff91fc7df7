import { setTimeout as pause } from 'node:timers/promises'
import type { Topics } from '../../../src/log/topics.ts'
import { JsonForm } from '../../../src/wire/json/json-form.ts'
import { answerCalls } from '../../lib/child.ts'
import { EventScan, readJsonFrame } from '../../clients/wire-forms.ts'
import { createLogIngest, openKafkaLog } from '../../kafka/log-ingest.ts'
import { ownCpuUs } from '../../lib/clocks.ts'
import { latencyMs } from '../../lib/statistics.ts'
import { Selection } from '../../../src/feed/selection.ts'

const pollMs = 2

let scan = new EventScan(readJsonFrame)
let frames = 0
let begunCpuUs = 0

/** The functions of this process: the gateway's log, ingest and feed with one subscriber of everything. */
const functions = {
  /** Resolves when the reading is under way. */
  async open(brokers: string, topics: Topics): Promise<void> {
    const log = openKafkaLog(brokers, topics)
    const { feed, ingest } = createLogIngest(log, topics)
    const selection = new Selection(new Map([['trades', '*'] as const, ['quotes', '*'] as const]))
    const subscriber = {
      deliver(frame: { readonly bytes: Buffer }): void {
        frames++
        scan.take(frame.bytes)
      },
    }
    feed.fanOut.join(subscriber, selection, new JsonForm())
    void ingest.run(new AbortController().signal)
    await ingest.warmUp.ready
  },

  begin(): void {
    scan = new EventScan(readJsonFrame)
    frames = 0
    begunCpuUs = ownCpuUs()
  },

  /** Resolves when so many events have come, or after a time with those that have. */
  async handled(events: number, timeoutMs: number) {
    const deadlineMs = performance.now() + timeoutMs
    while (scan.events < events && performance.now() < deadlineMs) await pause(pollMs)
    const cpuUs = ownCpuUs() - begunCpuUs
    const { latenciesUs } = scan
    const quarter = Math.ceil(latenciesUs.length / 4)
    return {
      events: scan.events,
      /** Frames: one flush of the feed, or more where it is large. */
      frames,
      /** From the producer's stamp to the handler, of the trades, which are half of the events. */
      ...latencyMs(latenciesUs),
      /** Medians of the first and of the last quarter: the latter grows where the reader falls behind. */
      firstQuarterMs: latencyMs(latenciesUs.slice(0, quarter)).p50Ms,
      lastQuarterMs: latencyMs(latenciesUs.slice(-quarter)).p50Ms,
      cpuUs,
    }
  },
}

export type LatencyHandler = typeof functions
/** The events that the handler has received. */
export type Handled = Awaited<ReturnType<LatencyHandler['handled']>>

answerCalls(functions)
