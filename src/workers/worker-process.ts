import type { Worker } from 'node:cluster'
import type { OutageReport } from '../feed/outage.ts'
import { messageOf } from '../diagnostics/ticker-error.ts'
import { WorkerChannel, type WorkerChannelOptions } from './worker-channel.ts'

/** Looks without a word after which a worker gets nothing new, and after which it is ended. They are a second apart. */
const silentLooks = 5
const hungLooks = 15
/** The same for one that has said nothing yet: it loads its program. */
const startingLooks = 60

/** A worker as the primary sees it: its process, what is said to it, and how far it is. */
export class WorkerProcess {
  /** Of no other worker of this node, ever; from 1. */
  readonly number: number
  /** Its place among the workers, which its successor gets. */
  readonly slot: number
  readonly channel: WorkerChannel
  /** Resolves when it is gone, with how it ended. */
  readonly ended: Promise<string>
  /** Where it listens, once it does. */
  url: string | undefined
  /** Why it should get no connections; `undefined` when it should. */
  notReadyReason: string | undefined = 'starting'
  /** What keeps it from reading. */
  outage: OutageReport | undefined
  /** When it became ready, on a clock that only goes on. */
  readySinceMs: number | undefined
  readonly #worker: Worker
  #hasSpoken = false
  /** Looks since it said something. */
  #looks = 0

  /** `handlers` are what it asks and tells. */
  constructor(worker: Worker, slot: number, handlers: Omit<WorkerChannelOptions, 'send'>) {
    this.#worker = worker
    this.number = worker.id
    this.slot = slot
    this.channel = new WorkerChannel({ ...handlers, send: message => void worker.send(message, ignore) })
    worker.on('message', message => {
      this.#hasSpoken = true
      this.#looks = 0
      this.channel.receive(message)
    })
    this.ended = new Promise(resolve => {
      // Where there is no descriptor or memory left it never begins, and so never exits.
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

  /** Whether it has said nothing for so long that it may hang. */
  get isSilent(): boolean {
    return this.#hasSpoken && this.#looks >= silentLooks
  }

  /** Looks after it, once a second; whether it hangs. Looks are counted, not time: the primary may have stood still itself. */
  look(): boolean {
    this.#looks += 1
    return this.#looks >= (this.#hasSpoken ? hungLooks : startingLooks)
  }

  /** Ends it at once. */
  kill(): void {
    if (this.pid !== undefined) this.#worker.process.kill('SIGKILL')
  }
}

/** How a worker ended that never began. */
export function notStarted(error: unknown): string {
  return `could not be started (${messageOf(error)})`
}

function ignore(): void {}
