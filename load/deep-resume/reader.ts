import { setTimeout as pause } from 'node:timers/promises'
import { answerCalls } from '../child-calls.ts'
import type { LedgerFaults } from '../event-ledger.ts'
import { NumberedReader, type PartitionRun } from '../numbered-reader.ts'
import { nothingOf, type Totals } from '../numbered-source.ts'
import type { WireTarget } from '../wire-client.ts'

/** What a resume came to. */
export interface Resumed {
  /** From the request to `resumed`. */
  readonly ms: number
  /** From the request to the first event. */
  readonly firstMs: number
  /** Received until `resumed`. */
  readonly events: number
  readonly bytes: number
  /** What the acknowledgement said. */
  readonly isWhole: boolean
  /** CPU of this process. */
  readonly cpuMs: number
}

/** What the reader had when it had the last event of each item. */
export interface Account {
  readonly events: number
  readonly faults: LedgerFaults
  /** Messages that say that something was lost or wrong. */
  readonly complaints: readonly string[]
}

const everything = { trades: ['*'], quotes: ['*'], policy: { quotes: 'every' } }
const buffer = Buffer.allocUnsafeSlow(256 * 1024)
const pollMs = 2

const watchers: NumberedReader[] = []
let reader: NumberedReader | undefined

/** The functions of this process, which holds the reader that resumes, and subscribers that do not look at events. */
const functions = {
  /** Opens so many subscribers of everything; the partitions as the last one's acknowledgement has them. */
  async watch(target: WireTarget, symbols: number, count: number): Promise<readonly PartitionRun[]> {
    let partitions: readonly PartitionRun[] = []
    const fixed = { target, symbols, begins: {}, looks: 'at frames', buffer } as const
    while (watchers.length < count) {
      const watcher = new NumberedReader({ ...fixed, subscribe: everything })
      watchers.push(watcher)
      ;({ partitions } = await watcher.acknowledged)
    }
    return partitions
  },

  /** Resumes everything from there, and resolves when what was missed has come. */
  async resume(target: WireTarget, symbols: number, partitions: readonly object[]): Promise<Resumed> {
    const cpu = process.cpuUsage()
    const subscribe = { ...everything, cursor: { version: 1, partitions } }
    const fixed = { target, symbols, begins: nothingOf(symbols), looks: 'at events', buffer } as const
    reader = new NumberedReader({ ...fixed, subscribe })
    const { recovered } = await reader.acknowledged
    const resumedMs = await reader.resumed
    const { user, system } = process.cpuUsage(cpu)
    const { requestedMs, firstMs, ledger, bytes } = reader
    return {
      ms: resumedMs - requestedMs,
      firstMs: firstMs - requestedMs,
      events: ledger.trades + ledger.quotes,
      bytes,
      isWhole: recovered === true,
      cpuMs: (user + system) / 1000,
    }
  },

  /** Resolves when the reader has the last event of each item, or after a time, with what it had; it leaves then. */
  async account(totals: Totals, timeoutMs: number): Promise<Account> {
    if (reader === undefined) throw new Error('there is no reader')
    const { ledger, complaints } = reader
    const deadlineMs = performance.now() + timeoutMs
    while (ledger.unfinished(totals) > 0 && performance.now() < deadlineMs) await pause(pollMs)
    reader.cut()
    return { events: ledger.trades + ledger.quotes, faults: ledger.faults, complaints }
  },
}

export type DeepReader = typeof functions

answerCalls(functions)
