import type { Worker } from 'node:cluster'
import { Line, type LineOptions } from './line.ts'

/** A worker as the primary sees it: its process, what is said to it, and how far it is. */
export class WorkerProcess {
  /** Of no other worker of this node, ever; from 1. */
  readonly number: number
  /** Its place among the workers, which its successor gets. */
  readonly slot: number
  readonly line: Line
  /** Resolves when it is gone, with how it ended. */
  readonly ended: Promise<string>
  /** Where it listens, once it does. */
  url: string | undefined
  /** Why it should get no connections; `undefined` when it should. */
  lack: string | undefined = 'starting'
  /** When it became ready, on a clock that only goes on. */
  readySinceMs: number | undefined
  readonly #worker: Worker

  /** `duties` are what it asks and tells. */
  constructor(worker: Worker, slot: number, duties: Omit<LineOptions, 'send'>) {
    this.#worker = worker
    this.number = worker.id
    this.slot = slot
    this.line = new Line({ ...duties, send: message => void worker.send(message, ignore) })
    worker.on('message', message => this.line.receive(message))
    worker.on('error', ignore)
    this.ended = new Promise(resolve => {
      worker.once('exit', (code, signal) => {
        this.line.close()
        resolve(signal ? `killed by ${signal}` : `ended with code ${code}`)
      })
    })
  }

  get pid(): number | undefined {
    return this.#worker.process.pid
  }

  get isReady(): boolean {
    return this.readySinceMs !== undefined && this.lack === undefined
  }

  /** Ends it at once. */
  kill(): void {
    this.#worker.process.kill('SIGKILL')
  }
}

function ignore(): void {}
