import { setTimeout } from 'node:timers/promises'
import type { NumberedEvent } from './acknowledgements.ts'
import type { AppendWindow } from './append-window.ts'
import { type FileLine, readLine } from './event-lines.ts'
import { Findings } from './findings.ts'
import type { PublishSchedule } from './publish-schedule.ts'

export interface PublicationOptions {
  /** The lines of the file from the first one on, in arrays, as they come. */
  readonly lines: AsyncIterable<readonly FileLine[]>
  readonly window: AppendWindow
  readonly pace: PublishSchedule
  readonly fromLine: number
  readonly skipsBad: boolean
  readonly maxEventBytes: number
  /** Ends reading; what was read goes out. */
  readonly stopping: AbortSignal
  /** Called for a wait of more than ten seconds. */
  readonly onLongWait: (line: number, waitMs: number) => void
}

/** A batch may have so many events, or bytes of the file. */
const batchEvents = 500
const batchBytes = 1_048_576
/** Events of one tick go out together. */
const tickMs = 10
const longWaitMs = 10_000
/** Timers hold 24 days at most. */
const longestSleepMs = 3_600_000

/** The way of a file into the log: line by line, at its pace, never faster than the log takes it. */
export class Publication {
  readonly findings = new Findings()
  readonly #options: PublicationOptions
  #batch: NumberedEvent[] = []
  #batchBytes = 0
  #nextLine: number
  #end = 0
  #isComplete = false

  constructor(options: PublicationOptions) {
    this.#options = options
    this.#nextLine = options.fromLine
  }

  /** The first line that was not handed to the log, nor passed over. */
  get nextLine(): number {
    return this.#nextLine
  }

  /** How many bytes of the text lie before that line. */
  get end(): number {
    return this.#end
  }

  /** Whether the end of the file was reached. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /**
   * Runs to the end of the file, a bad line, a refusal of the log or `stopping`, and waits for the log's answers. Rejects
   * where the file cannot be read.
   */
  async run(): Promise<void> {
    const { lines, window, stopping } = this.#options
    try {
      for await (const some of lines) if (!(await this.#takeAll(some))) return
      this.#isComplete = !stopping.aborted && !window.hasFailed
    } finally {
      await this.#flush()
      await window.settled()
    }
  }

  async #takeAll(lines: readonly FileLine[]): Promise<boolean> {
    for (const line of lines) if (!(await this.#take(line))) return false
    // Lines may come slowly, and one that is here does not wait for the next.
    await this.#flush()
    return true
  }

  /** False: neither this line nor what follows is published. */
  async #take(line: FileLine): Promise<boolean> {
    const { fromLine, maxEventBytes, skipsBad } = this.#options
    if (this.#hasEnded) return false
    if (line.number >= fromLine) {
      const content = readLine(line, maxEventBytes)
      const isBad = content.kind === 'bad' && !skipsBad
      const isTaken =
        content.kind !== 'event' || (await this.#add({ line: line.number, event: content.event }))
      if (!isTaken) return false
      this.findings.add(line.number, content)
      if (isBad) return false
      this.#nextLine = line.number + 1
    }
    this.#batchBytes += line.bytes?.length ?? 0
    this.#end = line.end
    if (this.#batch.length >= batchEvents || this.#batchBytes >= batchBytes) await this.#flush()
    return true
  }

  get #hasEnded(): boolean {
    return this.#options.stopping.aborted || this.#options.window.hasFailed
  }

  /** Adds an event to the batch when its time has come; false where that was not waited for. */
  async #add(numbered: NumberedEvent): Promise<boolean> {
    const { pace, stopping, onLongWait } = this.#options
    for (;;) {
      const waitMs = pace.waitMs(numbered.event, performance.now())
      if (waitMs <= 0) break
      await this.#flush()
      if (waitMs > longWaitMs) onLongWait(numbered.line, waitMs)
      await setTimeout(Math.min(Math.max(tickMs, waitMs), longestSleepMs), undefined, {
        signal: stopping,
      }).catch(() => undefined)
      if (this.#hasEnded) return false
    }
    this.#batch.push(numbered)
    return true
  }

  async #flush(): Promise<void> {
    const batch = this.#batch
    this.#batch = []
    this.#batchBytes = 0
    await this.#options.window.append(batch)
  }
}
