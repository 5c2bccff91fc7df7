import type { Worker } from 'node:cluster'
import { messageOf } from '../diagnostics/ticker-error.ts'
import type { FeedOutage } from '../http/operations.ts'
import { WorkerChannel, type WorkerChannelHandlers } from './worker-channel.ts'

/** Seconds of silence after which a worker does not count as ready, and after which it counts as hanging. */
const silentTicks = 5
const hangingTicks = 15
/** The same for a worker that has not sent anything yet: it loads its program. */
const startingTicks = 60

/** A worker as the primary sees it: its process, the channel to it, and its state. */
export class WorkerProcess {
  /** No other worker of this node ever has it; from 1. */
  readonly number: number
  /** Which of the node's workers it is, from 1; its successor gets the same. */
  readonly ordinal: number
  readonly channel: WorkerChannel
  /** Resolves when the process has ended, with how it ended. */
  readonly ended: Promise<string>
  /** Where it listens, once it does. */
  url: string | undefined
  /** Why it should get no connections; `undefined` when it should. */
  notReadyReason: string | undefined = 'starting'
  /** The feeds that it does not read at the moment, and why. */
  outages: readonly FeedOutage[] = []
  /** When it became ready, on the steady clock. */
  readySinceMs: number | undefined
  readonly #worker: Worker
  #hasSent = false
  #silentTicks = 0

  constructor(worker: Worker, ordinal: number, handlers: WorkerChannelHandlers) {
    this.#worker = worker
    this.number = worker.id
    this.ordinal = ordinal
    this.channel = new WorkerChannel({ ...handlers, send: message => void worker.send(message, ignore) })
    worker.on('message', message => {
      this.#hasSent = true
      this.#silentTicks = 0
      this.channel.receive(message)
    })
    this.ended = new Promise(resolve => {
      // Without a descriptor or memory it never starts, and so never exits.
      worker.on('error', error => {
        if (this.pid === undefined) resolve(notStarted(error))
      })
      if (this.pid === undefined) this.channel.close()
      worker.once('exit', (code, signal) => {
        this.channel.close()
        resolve(signal ? `killed by ${signal}` : `ended with code ${code}`)
      })
    })
  }

  get pid(): number | undefined {
    return this.#worker.process.pid
  }

  get isReady(): boolean {
    return this.readySinceMs !== undefined && this.notReadyReason === undefined && !this.isSilent
  }

  /** Whether it has been silent for so long that it may hang. */
  get isSilent(): boolean {
    return this.#hasSent && this.#silentTicks >= silentTicks
  }

  /** Whether it has been silent for so long that it is to be ended. */
  get isHanging(): boolean {
    return this.#silentTicks >= (this.#hasSent ? hangingTicks : startingTicks)
  }

  /**
   * To be called once a second. Ticks are counted instead of time: the primary may have been suspended
   * itself.
   */
  tick(): void {
    this.#silentTicks++
  }

  /** Ends the process at once. */
  kill(): void {
    if (this.pid !== undefined) this.#worker.process.kill('SIGKILL')
  }
}

/** Returns how a worker ended that could not be started. */
export function notStarted(error: unknown): string {
  return `could not be started (${messageOf(error)})`
}

function ignore(): void {}
