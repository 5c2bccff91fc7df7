import { type Channel, channels } from '../../event/event.ts'
import { symbolRule, toSymbol } from '../../event/symbol.ts'
import type { Policy } from '../../protocol/command.ts'
import { parseCommand } from '../../protocol/ticker-v1/parse-command.ts'
import { UsageError, readOptions } from '../command-line.ts'

/** How events are printed: for people, as one JSON event a line, or as the frames that came. */
export type OutputFormat = 'text' | 'json' | 'wire'

/** The arguments of the `tail` command. */
export interface TailArguments {
  /** Symbols, or `*`; at least one. */
  readonly symbols: readonly string[]
  readonly channels: readonly Channel[]
  /**
   * The policy for events that came without a connection, or while it was too slow; `undefined`: the
   * gateway's defaults.
   */
  readonly policy: Policy | undefined
  /** Filters by channel, as `where` in PROTOCOL.md; `undefined`: none. */
  readonly where: object | undefined
  /** The stream; `undefined`: the gateway that the environment configures. */
  readonly url: URL | undefined
  /** The name of the feed; `undefined`: the one that the URL names, or the gateway's first. */
  readonly feed: string | undefined
  readonly format: OutputFormat
  /** Whether the current values come first. */
  readonly snapshot: boolean
  /** How many events to print before ending. */
  readonly count: number
}

export const tailUsage = `Prints the events of a gateway as they come.

  npm run tail -- [SYMBOL…] [options]            default: *, every symbol

  --channels LIST   some of ${channels.join(',')},
                    or *; default: trades,statuses,news
  --policy WHAT     which events follow after the connection was lost or too slow: every event, or with
                    conflate the newest of each item; default: conflate for quotes, dailyBars and lulds, every
                    for the others; news is always sent whole
  --where JSON      filters by channel (PROTOCOL.md, Filters), such as '{"trades":{"s":{"gte":1000}}}'
  --snapshot        the current values first
  --url URL         ws:// or wss://; default: the gateway of this environment, ws://127.0.0.1:8080/v1/stream,
                    or wss:// with TICKER_TLS_SELF_SIGNED=yes
  --feed NAME       a feed of the gateway; default: its first
  --json            one event a line as JSON
  --wire            the frames as they come, including heartbeats and answers
  --count N         ends after N events (with --wire: frames)
  --help            shows this text

The token comes from TICKER_TOKEN, or from the file that TICKER_TOKEN_FILE names. In development without
them, a development token is made for a gateway on this machine. Corrections and cancels come with trades.

Events are printed to standard output, everything else to standard error. A lost connection is restored and
resumes where it was, as far back as the gateway goes. A refused token ends the command, as does Ctrl-C.
Exit codes: 0 ended as asked, 1 refused or no gateway, 2 usage or configuration.
`

const defaultChannels: readonly Channel[] = ['trades', 'statuses', 'news']

/** Parses the command line; returns `help` where it asks for that. Throws a `UsageError`. */
export function parseTailArguments(args: readonly string[]): TailArguments | 'help' {
  const { values, positionals } = parseOptions(args)
  if (values.help) return 'help'
  if (values.json && values.wire) throw new UsageError('--json and --wire: choose one of them')
  return {
    symbols: parseSymbols(positionals),
    channels: parseChannels(values.channels),
    policy: parsePolicy(values.policy),
    where: parseWhere(values.where),
    url: values.url === undefined ? undefined : parseStreamUrl(values.url),
    feed: values.feed === undefined ? undefined : parseFeed(values.feed),
    format: values.json ? 'json' : values.wire ? 'wire' : 'text',
    snapshot: values.snapshot,
    count: parseCount(values.count),
  }
}

function parseOptions(args: readonly string[]) {
  return readOptions({
    args: [...args],
    allowPositionals: true,
    options: {
      channels: { type: 'string' },
      policy: { type: 'string' },
      where: { type: 'string' },
      url: { type: 'string' },
      feed: { type: 'string' },
      json: { type: 'boolean', default: false },
      wire: { type: 'boolean', default: false },
      snapshot: { type: 'boolean', default: false },
      count: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
}

/** Each word is a symbol, or several separated by commas. */
function parseSymbols(words: readonly string[]): readonly string[] {
  const names = words.flatMap(word => word.split(',')).map(name => name.trim())
  const symbols = names.filter(name => name !== '').map(parseSymbol)
  return symbols.length === 0 ? ['*'] : symbols
}

function parseSymbol(name: string): string {
  const symbol = name === '*' ? name : toSymbol(name)
  if (symbol !== undefined) return symbol
  throw new UsageError(`${name}: expected * or ${symbolRule}`)
}

function parseChannels(text: string | undefined): readonly Channel[] {
  if (text === undefined) return defaultChannels
  if (text === '*') return channels
  return text.split(',').map(name => {
    const channel = channels.find(known => known === name.trim())
    if (channel !== undefined) return channel
    throw new UsageError(
      `--channels ${text}: "${name}" is not one; expected * or some of ${channels.join(',')}`,
    )
  })
}

function parsePolicy(text: string | undefined): Policy | undefined {
  if (text === undefined || text === 'every' || text === 'conflate') return text
  throw new UsageError(`--policy ${text}: expected every or conflate`)
}

/** The gateway's own check, so that a fault is found before connecting. */
function parseWhere(text: string | undefined): object | undefined {
  if (text === undefined) return undefined
  const where = parseJson(text)
  const command = parseCommand(JSON.stringify({ action: 'subscribe', where }))
  if ('code' in command) throw new UsageError(`--where: ${command.detail}`)
  return typeof where === 'object' && where !== null ? where : undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new UsageError(
      `--where ${text}: not JSON; quote it for your shell: '{"trades":{"s":{"gte":1000}}}'`,
    )
  }
}

const streamSchemes: ReadonlyMap<string, string> = new Map([
  ['http:', 'ws:'],
  ['https:', 'wss:'],
])

/** Parses the URL of a stream; the default path is that of the gateway. */
function parseStreamUrl(text: string): URL {
  const url = URL.parse(text)
  const scheme = streamSchemes.get(url?.protocol ?? '')
  if (scheme !== undefined) {
    throw new UsageError(`--url ${text}: expected ws:// or wss://; did you mean ${scheme}//${url?.host}?`)
  }
  if (url === null || (url.protocol !== 'ws:' && url.protocol !== 'wss:')) {
    throw new UsageError(`--url ${text}: expected ws://HOST:PORT or wss://HOST, perhaps with /v1/stream`)
  }
  if (url.username !== '' || url.password !== '' || url.search !== '') {
    throw new UsageError('--url: no user, password or query; a token goes into TICKER_TOKEN')
  }
  if (url.pathname === '/') url.pathname = '/v1/stream'
  return url
}

function parseFeed(text: string): string {
  if (/^[a-z][a-z0-9-]{0,31}$/.test(text)) return text
  throw new UsageError(
    `--feed ${text}: expected a name of 1 to 32 of a-z, 0-9 and "-" that begins with a letter`,
  )
}

function parseCount(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY
  const count = /^\d{1,15}$/.test(text) ? Number(text) : 0
  if (count >= 1) return count
  throw new UsageError(`--count ${text}: expected a number of events, at least 1`)
}
