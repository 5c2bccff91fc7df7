import { UsageError, readOptions } from '../command-line.ts'

/** How fast events are published: as fast as the log accepts them, at a rate, or as their own times say. */
export type PublishSpeed =
  | { readonly kind: 'full' }
  | { readonly kind: 'rate'; readonly perSecond: number }
  | { readonly kind: 'realtime' }

/** The arguments of the `publish` command. */
export interface PublishArguments {
  /** A path, or `-` for standard input. */
  readonly file: string
  readonly speed: PublishSpeed
  readonly isCheckOnly: boolean
  readonly skipsBad: boolean
  /** Lines before this one are skipped unread. */
  readonly fromLine: number
}

export const publishUsage = `Publishes a file of events, one JSON object a line, into the configured log.

  npm run publish -- FILE.jsonl [options]        - is standard input; gzip is recognised by its content

  --rate N          N events a second, evenly
  --realtime        at the intervals of the events' own times; default: as fast as the log accepts them
  --check           checks the file; publishes nothing, needs no log
  --skip-bad        publishes the good lines and reports the bad ones
  --from-line N     begins at line N, to continue after an interruption
  --help            shows this text

The log is Kafka where TICKER_KAFKA_BROKERS is set (TICKER_TOPIC_… name its topics). In development without
it, the log is the embedded log of this folder, whether a gateway is running or not.

The whole file is checked before any event is published. With one bad line nothing is published, unless
--skip-bad is given. Standard input cannot be read twice: there, publishing ends before the first bad line.
Unknown fields are not published; a warning names them.

Events keep their own times: a replay of an old file shows old times.

Ctrl-C stops reading, waits for events under way, and says at which line to continue; a second one ends at
once. Exit codes: 0 all published (or valid), 1 bad lines or a fault of the log, 2 usage or configuration,
130 interrupted.
`

const maxPerSecond = 1_000_000

/** Parses the command line; returns `help` where it asks for that. Throws a `UsageError`. */
export function parsePublishArguments(args: readonly string[]): PublishArguments | 'help' {
  const { values, positionals } = parseOptions(args)
  if (values.help) return 'help'
  const [file, ...more] = positionals
  if (file === undefined || file === '')
    throw new UsageError('which FILE? - is standard input; --help shows more')
  if (more.length > 0) throw new UsageError(`${positionals.join(' ')}: one FILE at a time`)
  const speed = parseSpeed(values)
  if (values.check && (speed.kind !== 'full' || values['skip-bad'])) {
    throw new UsageError('--check publishes nothing: leave out --rate, --realtime and --skip-bad')
  }
  return {
    file,
    speed,
    isCheckOnly: values.check,
    skipsBad: values['skip-bad'],
    fromLine: parseLineNumber(values['from-line']),
  }
}

function parseOptions(args: readonly string[]) {
  return readOptions({
    args: [...args],
    allowPositionals: true,
    options: {
      rate: { type: 'string' },
      realtime: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      'skip-bad': { type: 'boolean', default: false },
      'from-line': { type: 'string', default: '1' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
}

function parseSpeed({ rate, realtime }: { rate?: string | undefined; realtime: boolean }): PublishSpeed {
  if (rate === undefined) return { kind: realtime ? 'realtime' : 'full' }
  if (realtime) throw new UsageError('--rate and --realtime: choose one of them')
  const perSecond = /^\d{1,7}(\.\d{1,6})?$/.test(rate) ? Number(rate) : Number.NaN
  if (perSecond > 0 && perSecond <= maxPerSecond) return { kind: 'rate', perSecond }
  throw new UsageError(`--rate ${rate}: expected events per second, above 0 and at most ${maxPerSecond}`)
}

function parseLineNumber(text: string): number {
  const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  if (number >= 1) return number
  throw new UsageError(`--from-line ${text}: expected the number of a line, 1 being the first`)
}
