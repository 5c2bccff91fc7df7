import { setTimeout as pause } from 'node:timers/promises'
import type { Topics } from '../../src/log/topics.ts'
import { JsonForm } from '../../src/wire/json/json-form.ts'
import { answerCalls } from '../child-calls.ts'
import { EventScan } from '../event-scan.ts'
import { createLogIngest, everyRecord, openKafkaLog } from '../log-ingest.ts'
import { quantileOf } from '../statistics.ts'

const jsonForm = new JsonForm()

/** What the handler has got. */
export interface Handled {
  readonly events: number
  /** Frames: one flush of the feed, or more where it is large. */
  readonly frames: number
  /** From the producer's stamp to the handler, in ms, of the trades, which are half of the events. */
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Medians of the first and of the last quarter: the latter grows where the reader falls behind. */
  readonly firstQuarterMs: number
  readonly lastQuarterMs: number
  /** CPU of this process. */
  readonly cpuUs: number
}

const pollMs = 2

let scan = new EventScan()
let frames = 0
let begunCpuUs = 0

/** The functions of this process: the gateway's log, ingest and feed with one subscriber of everything, in the process. */
const functions = {
  /** Resolves when the reading is under way. */
  async open(brokers: string, topics: Topics): Promise<void> {
    const log = openKafkaLog(brokers, topics)
    const { feed, ingest } = createLogIngest({ log, topics, warmUpRecords: everyRecord })
    const interest = new Map([['trades', '*'] as const, ['quotes', '*'] as const])
    const subscriber = {
      deliver(block: { readonly payload: Buffer }): void {
        frames++
        scan.take(block.payload)
      },
    }
    feed.fanout.join(subscriber, interest, jsonForm)
    void ingest.run(new AbortController().signal)
    await ingest.warmUp.ready
  },

  /** Begins to count anew. */
  begin(): void {
    scan = new EventScan()
    frames = 0
    begunCpuUs = cpuUs()
  },

  /** Resolves when so many events have come, or after a time with those that have. */
  async handled(events: number, timeoutMs: number): Promise<Handled> {
    const deadlineMs = performance.now() + timeoutMs
    while (scan.events < events && performance.now() < deadlineMs) await pause(pollMs)
    const usedUs = cpuUs() - begunCpuUs
    const { latenciesUs } = scan
    const quarter = Math.ceil(latenciesUs.length / 4)
    const ms = (values: readonly number[], quantile: number) => quantileOf(values, quantile) / 1000
    return {
      events: scan.events,
      frames,
      p50Ms: ms(latenciesUs, 0.5),
      p99Ms: ms(latenciesUs, 0.99),
      maxMs: ms(latenciesUs, 1),
      firstQuarterMs: ms(latenciesUs.slice(0, quarter), 0.5),
      lastQuarterMs: ms(latenciesUs.slice(-quarter), 0.5),
      cpuUs: usedUs,
    }
  },
}

export type LatencyHandler = typeof functions

function cpuUs(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

answerCalls(functions)
