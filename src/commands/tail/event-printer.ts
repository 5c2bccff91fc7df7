import type { Writable } from 'node:stream'
import { channelOfType, type MarketEvent, type Quote } from '../../event/event.ts'
import { EventFault, parseEvent } from '../../event/parse-event.ts'
import type { Clock } from '../../system/clock.ts'
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

/** A terminal style. */
type Style = 'dim' | 'bold' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan'

/** Applies a style to a text, or leaves it as it is. */
type Paint = (style: Style, text: string) => string

interface EventTextOptions {
  readonly paint: Paint
  /** Today in UTC, as `2026-01-31`; times of other days are printed with their date. */
  readonly today: string
}

const channelStyles = {
  trades: 'green',
  quotes: 'cyan',
  bars: 'blue',
  updatedBars: 'blue',
  dailyBars: 'blue',
  statuses: 'yellow',
  lulds: 'yellow',
  corrections: 'red',
  cancelErrors: 'red',
  news: 'magenta',
} as const

const channelWidth = 'cancelErrors'.length
const symbolWidth = 8
const priceWidth = 10
const sizeWidth = 7

/** Describes an event in one line: time, channel, symbol and content. Nothing in it controls the terminal. */
export function describeEvent(event: MarketEvent, { paint, today }: EventTextOptions): string {
  const channel = channelOfType[event.T]
  const time = event.T === 'n' ? (event.updated_at ?? event.created_at) : event.t
  const symbol = event.T === 'n' ? event.symbols.join(',') || '-' : event.S
  const line = [
    paint('dim', describeTime(time, today)),
    paint(channelStyles[channel], channel.padEnd(channelWidth)),
    paint('bold', printable(symbol).padEnd(symbolWidth)),
    printable(contentOf(event)),
  ]
  return line.join('  ').trimEnd()
}

/** Returns the time of day in UTC to the millisecond, with the date where that is not today. */
function describeTime(time: string, today: string): string {
  const utc = time.endsWith('Z') ? time : new Date(time).toISOString()
  const day = utc.slice(0, 10)
  const fraction = /\.(\d{1,3})/.exec(utc)?.[1] ?? ''
  const ofDay = `${utc.slice(11, 19)}.${fraction.padEnd(3, '0')}`
  return day === today ? ofDay : `${day} ${ofDay}`
}

function contentOf(event: MarketEvent): string {
  switch (event.T) {
    case 't':
      return joinWords(priceAndSize(event.p, event.s), event.x, event.c?.join('').trim(), event.tks)
    case 'q':
      return describeQuote(event)
    case 'b':
    case 'u':
    case 'd':
      return joinWords(
        `o ${price(event.o)}  h ${price(event.h)}  l ${price(event.l)}  c ${price(event.c)}  v ${event.v}`,
        event.n === undefined ? undefined : ` n ${event.n}`,
        event.vw === undefined ? undefined : ` vw ${price(event.vw)}`,
      )
    case 's':
      return joinWords(event.sc, event.sm, event.rc && `(${joinWords(event.rc, event.rm)})`)
    case 'l':
      return joinWords(price(event.d).padStart(priceWidth), `.. ${price(event.u)}`, event.i)
    case 'c':
      return joinWords(priceAndSize(event.op, event.os), `→ ${price(event.cp)} × ${event.cs}`, event.x)
    case 'x':
      return joinWords(priceAndSize(event.p, event.s), cancelActions[event.a ?? ''] ?? event.a, event.x)
    case 'n':
    default:
      return joinWords(event.headline, event.source && `– ${event.source}`)
  }
}

const cancelActions: Readonly<Record<string, string>> = { C: 'cancelled', E: 'error' }

function describeQuote({ bp, bs, bx, ap, as, ax }: Quote): string {
  const bid = `${price(bp).padStart(priceWidth)} × ${String(bs).padEnd(sizeWidth)} ${(bx ?? '').padEnd(2)}`
  return `${bid} | ${price(ap).padStart(priceWidth)} × ${String(as).padEnd(sizeWidth)} ${ax ?? ''}`
}

function priceAndSize(ofPrice: number, size: number): string {
  return `${price(ofPrice).padStart(priceWidth)} × ${String(size).padEnd(sizeWidth)}`
}

/** Formats a price with at least two decimals, and as many more as it has. */
function price(value: number): string {
  const text = String(value)
  const decimals = /^-?\d+(?:\.(\d+))?$/.exec(text)?.[1]?.length ?? 0
  return /e/.test(text) || decimals > 2 ? text : value.toFixed(2)
}

function joinWords(...parts: readonly (string | undefined)[]): string {
  return parts.filter(part => part !== undefined && part !== '').join(' ')
}

/** Replaces control characters. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, '�')
}
