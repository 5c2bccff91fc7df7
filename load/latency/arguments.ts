import { readOptions } from '../../src/commands/command-line.ts'
import {
  type StreamArguments,
  streamArguments,
  streamOptions,
  streamOptionsText,
  wholeOption,
} from '../options.ts'

/** What one run measures. */
export interface LatencyArguments extends StreamArguments {
  readonly rounds: number
  /** Length of each phase. */
  readonly seconds: number
  readonly clients: number
  /** Events per second of the phases whose latency is told beside the echo. */
  readonly rate: number
  /** TICKER_FLUSH_DELAY_MS of the gateway. */
  readonly flushDelayMs: number
  /** Events per second that the search does not go beyond. */
  readonly most: number
}

export const latencyName = 'latency'

export const latencyUsage = `Measures the time from the moment an event is due at its producer, through Kafka and the gateway, to its subscribers, beside a loopback
echo, the same by transactions (a commit every 10 ms), from the moment at which an event can be read, too, and the highest rate at which 99 of 100 events come within 10 ms.

  npm run load -- ${latencyName} [options]

  --rounds N         everything is measured N times in turn, medians are shown (5)
  --seconds N        length of each phase (4)
  --clients N        subscribers of everything (200)
  --rate N           events per second beside the echo (500)
  --flush-delay N    TICKER_FLUSH_DELAY_MS of the gateway, in ms (2)
  --most N           the search for the highest rate ends here (20000)
  --quick            one round of 1 s, the search ends at 2000
${streamOptionsText}`

const options = {
  ...streamOptions,
  seconds: { type: 'string' },
  clients: { type: 'string' },
  rate: { type: 'string' },
  most: { type: 'string' },
  'flush-delay': { type: 'string' },
} as const

/** Reads the command line. Throws an error that says what is wrong. */
export function parseLatencyArguments(args: readonly string[]): LatencyArguments {
  const { values } = readOptions({ args: [...args], options })
  return {
    ...streamArguments(latencyName, values),
    rounds: wholeOption('--rounds', values.rounds ?? (values.quick ? '1' : '5'), 100),
    seconds: wholeOption('--seconds', values.seconds ?? (values.quick ? '1' : '4'), 60),
    clients: wholeOption('--clients', values.clients ?? '200', 5000),
    rate: wholeOption('--rate', values.rate ?? '500', 100_000),
    flushDelayMs: readFlushDelay(values['flush-delay'] ?? '2'),
    most: wholeOption('--most', values.most ?? (values.quick ? '2000' : '20000'), 200_000),
  }
}

function readFlushDelay(text: string): number {
  if (/^\d{1,4}$/.test(text) && Number(text) <= 1000) return Number(text)
  throw new Error(`--flush-delay ${text}: expected whole milliseconds from 0 to 1000`)
}
