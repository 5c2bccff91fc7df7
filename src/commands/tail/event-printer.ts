import type { Writable } from 'node:stream'
import { channelOfType } from '../../event/event.ts'
import { EventFault, parseEvent } from '../../event/parse-event.ts'
import type { Clock } from '../../system/clock.ts'
import { describeEvent, type Paint } from './event-text.ts'
import { eventsOf, type StreamMessage } from './stream-message.ts'
import type { OutputFormat } from './tail-arguments.ts'

export interface EventPrinterOptions {
  readonly format: OutputFormat
  /** How many events to print. */
  readonly count: number
  readonly output: Writable
  readonly paint: Paint
  readonly clock: Clock
}

/** Prints the events of frames, a line each, up to a number of them. */
export class EventPrinter {
  readonly #options: EventPrinterOptions
  #remaining: number

  constructor(options: EventPrinterOptions) {
    this.#options = options
    this.#remaining = options.count
  }

  /** Whether the requested number of events was printed. */
  get isDone(): boolean {
    return this.#remaining === 0
  }

  /** Prints the events of a frame in one write; returns their number. */
  printFrame(frame: string, messages: readonly StreamMessage[]): number {
    const lines = this.#lines(frame, messages).slice(0, this.#remaining)
    this.#remaining -= lines.length
    if (lines.length > 0) this.#options.output.write(`${lines.join('\n')}\n`)
    return lines.length
  }

  #lines(frame: string, messages: readonly StreamMessage[]): string[] {
    if (this.#options.format === 'wire') return [frame]
    return messages.flatMap(message =>
      message.T === 'snapshot'
        ? eventsOf(message).flatMap(event => this.#line(event, 'snapshot'))
        : this.#line(message, ''),
    )
  }

  /** Returns the line of an event, with a mark behind it; nothing for other messages. */
  #line(message: StreamMessage, mark: string): string[] {
    if (!Object.hasOwn(channelOfType, message.T)) return []
    const { format, paint, clock } = this.#options
    if (format === 'json') return [JSON.stringify(message)]
    const event = parseEvent(message)
    if (event instanceof EventFault) return [paint('red', `not an event: ${JSON.stringify(message)}`)]
    const today = new Date(clock.wall()).toISOString().slice(0, 10)
    const line = describeEvent(event, { paint, today })
    const { replaces } = message
    const marks = [mark, typeof replaces === 'number' ? `replaces ${replaces}` : ''].filter(
      each => each !== '',
    )
    return [marks.length === 0 ? line : `${line}  ${paint('dim', marks.join(', '))}`]
  }
}
