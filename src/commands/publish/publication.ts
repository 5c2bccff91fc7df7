import { setTimeout } from 'node:timers/promises'
import type { AppendWindow, NumberedEvent } from './append-window.ts'
import { type FileLine, readLine } from './event-lines.ts'
import { Findings, eventTime } from './findings.ts'
import { systemClock } from '../../system/clock.ts'
import type { MarketEvent } from '../../event/event.ts'
import type { PublishSpeed } from './publish-arguments.ts'

interface PublicationOptions {
  /** All lines of the file, in arrays, as they arrive. */
  readonly lines: AsyncIterable<readonly FileLine[]>
  readonly window: AppendWindow
  readonly schedule: PublishSchedule
  readonly fromLine: number
  readonly skipsBad: boolean
  readonly maxEventBytes: number
  /** Ends reading; lines that were read are still published. */
  readonly stopping: AbortSignal
  /** Called for a wait of more than ten seconds. */
  readonly onLongWait: (line: number, waitMs: number) => void
}

/** Limits of one batch, in events and bytes of the file. */
const batchEvents = 500
const batchBytes = 1_048_576
/** Events that are due within this time are published together. */
const tickMs = 10
const longWaitMs = 10_000
/** Timers take 24 days at most. */
const longestSleepMs = 3_600_000

/** Publishes a file into the log: line by line, on schedule, never faster than the log accepts it. */
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

  /** The first line that was neither appended nor skipped. */
  get nextLine(): number {
    return this.#nextLine
  }

  /** The position of that line in the text, in bytes. */
  get end(): number {
    return this.#end
  }

  /** Whether the end of the file was reached. */
  get isComplete(): boolean {
    return this.#isComplete
  }

  /**
   * Runs to the end of the file, a bad line, a refusal of the log or `stopping`, and waits for the log's
   * answers. Rejects where the file cannot be read.
   */
  async run(): Promise<void> {
    const { lines, window, stopping } = this.#options
    try {
      for await (const some of lines) if (!(await this.#processAll(some))) return
      this.#isComplete = !stopping.aborted && !window.hasFailed
    } finally {
      await this.#flush()
      await window.settled()
    }
  }

  async #processAll(lines: readonly FileLine[]): Promise<boolean> {
    for (const line of lines) if (!(await this.#process(line))) return false
    // Lines may arrive slowly; this one does not wait for the next.
    await this.#flush()
    return true
  }

  /** Returns false where neither this line nor any after it is published. */
  async #process(line: FileLine): Promise<boolean> {
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

  /** Adds an event to the batch when it is due. Returns false where publishing ended before. */
  async #add(numbered: NumberedEvent): Promise<boolean> {
    const { schedule, stopping, onLongWait } = this.#options
    for (;;) {
      const waitMs = schedule.waitMs(numbered.event, systemClock.steady())
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

/** Decides when each event of a sequence is published. */
export interface PublishSchedule {
  /**
   * Returns the ms until the event is due. 0 means now, and the next call is for the next event. `nowMs` is
   * on a monotonic clock.
   */
  waitMs(event: MarketEvent, nowMs: number): number
}

/** How much of a delay is made up for. The schedule moves by the rest, so that no flood follows a stall. */
const maxCatchUpMs = 1000

export function createPublishSchedule(request: PublishSpeed): PublishSchedule {
  if (request.kind === 'full') return { waitMs: () => 0 }
  return new TimedSchedule(request.kind === 'rate' ? evenOffsets(request.perSecond) : ownOffsets())
}

/** An event's offset from the first one, in milliseconds; `undefined`: together with the one before. */
type Offsets = (event: MarketEvent, index: number) => number | undefined

class TimedSchedule implements PublishSchedule {
  readonly #offsets: Offsets
  #startMs: number | undefined
  /** The latest offset so far: an event with an earlier time is due at once. */
  #latestMs = 0
  #index = 0

  constructor(offsets: Offsets) {
    this.#offsets = offsets
  }

  waitMs(event: MarketEvent, nowMs: number): number {
    const offsetMs = Math.max(this.#latestMs, this.#offsets(event, this.#index) ?? 0)
    const startMs = this.#startMs ?? nowMs
    const waitMs = startMs + offsetMs - nowMs
    if (waitMs > 0) return waitMs
    this.#latestMs = offsetMs
    this.#startMs = startMs + Math.max(0, -waitMs - maxCatchUpMs)
    this.#index += 1
    return 0
  }
}

function evenOffsets(perSecond: number): Offsets {
  return (_event, index) => (index * 1000) / perSecond
}

function ownOffsets(): Offsets {
  let firstMs: number | undefined
  return event => {
    const emittedMs = emissionMs(event)
    if (emittedMs === undefined || Number.isNaN(emittedMs)) return undefined
    firstMs ??= emittedMs
    return emittedMs - firstMs
  }
}

/**
 * Returns when an event was published originally. A bar carries the time at which it begins: a minute bar
 * ends a minute later; an updated or daily bar goes with its neighbours.
 */
function emissionMs(event: MarketEvent): number | undefined {
  if (event.T === 'u' || event.T === 'd') return undefined
  return Date.parse(eventTime(event)) + (event.T === 'b' ? 60_000 : 0)
}
