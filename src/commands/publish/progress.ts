import { SingleBar } from 'cli-progress'
import { systemClock } from '../../system/clock.ts'
import { describeDuration, describeNumber } from '../command-line.ts'

/** How much of a file has been processed. */
interface ProgressState {
  /** From 0 to 1; `undefined` where the size is unknown. */
  readonly fraction: number | undefined
  readonly events: number
}

/** Shows progress to a person. */
export interface ProgressDisplay {
  /** Cheap enough to call a thousand times a second. */
  update(state: ProgressState): void
  /** Prints a line of its own. */
  note(text: string): void
  stop(): void
}

interface ProgressOptions {
  /** The task in words, such as `checking`. */
  readonly task: string
  readonly output: NodeJS.WriteStream
}

const plainIntervalMs = 3000
const minMsForRate = 100

/** Starts a progress bar on a terminal, or a line every few seconds elsewhere. */
export function startProgress(options: ProgressOptions): ProgressDisplay {
  return options.output.isTTY ? new BarProgress(options) : new PlainProgress(options)
}

/** Describes the state: `45 %, 120,000 events, 10,000/s, 12 s left`. */
export function describeProgress({ fraction, events }: ProgressState, elapsedMs: number): string {
  const parts = [`${describeNumber(events)} events`]
  const isMeasurable = elapsedMs >= minMsForRate && events > 0
  if (isMeasurable) parts.push(`${describeNumber(Math.round((events * 1000) / elapsedMs))}/s`)
  if (fraction === undefined) return parts.join(', ')
  if (isMeasurable && fraction > 0) {
    parts.push(`${describeDuration((elapsedMs * (1 - fraction)) / fraction)} left`)
  }
  return [`${Math.floor(fraction * 100)} %`, ...parts].join(', ')
}

class BarProgress implements ProgressDisplay {
  readonly #bar: SingleBar
  readonly #output: NodeJS.WriteStream
  readonly #startedMs = systemClock.steady()
  #state: ProgressState = { fraction: 0, events: 0 }

  constructor({ task, output }: ProgressOptions) {
    this.#output = output
    this.#bar = new SingleBar({
      format: (options, { progress }) => {
        const words = describeProgress(this.#state, systemClock.steady() - this.#startedMs)
        if (this.#state.fraction === undefined) return `${task}: ${words}`
        const size = options.barsize ?? 0
        const done = Math.round(progress * size)
        return `${task} ${'█'.repeat(done)}${'░'.repeat(size - done)} ${words}`
      },
      barsize: 24,
      stream: output,
      clearOnComplete: true,
      hideCursor: null,
      forceRedraw: true,
      gracefulExit: false,
    })
    this.#start()
  }

  update(state: ProgressState): void {
    this.#state = state
    this.#bar.update(state.fraction ?? 0)
  }

  note(text: string): void {
    this.#bar.stop()
    this.#output.write(`${text}\n`)
    this.#start()
  }

  stop(): void {
    this.#bar.stop()
  }

  #start(): void {
    this.#bar.start(1, this.#state.fraction ?? 0)
  }
}

class PlainProgress implements ProgressDisplay {
  readonly #output: NodeJS.WriteStream
  readonly #startedMs = systemClock.steady()
  readonly #timer: NodeJS.Timeout
  #state: ProgressState = { fraction: 0, events: 0 }

  constructor({ task, output }: ProgressOptions) {
    this.#output = output
    this.#timer = setInterval(() => {
      this.note(`${task}: ${describeProgress(this.#state, systemClock.steady() - this.#startedMs)}`)
    }, plainIntervalMs)
  }

  update(state: ProgressState): void {
    this.#state = state
  }

  note(text: string): void {
    this.#output.write(`${text}\n`)
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
