import { type Scope, scopes } from '../auth/grant.ts'
import { channels } from '../event/event.ts'
import { symbolRule, toSymbol } from '../event/symbol.ts'
import { UsageError, readOptions } from './command-line.ts'

/** The arguments of the `token` command. */
interface TokenArguments {
  readonly subject: string
  readonly scopes: readonly Scope[]
  readonly feeds: '*' | readonly string[]
  readonly channels: '*' | readonly string[]
  readonly symbols: '*' | readonly string[]
  readonly lifetimeS: number
}

export const tokenUsage = `Prints a development token, signed with this folder's development key.

  npm run token -- [options]

  --sub NAME        the user of the token; default: developer
  --symbols LIST    symbols separated by commas, or *; default: *
  --channels LIST   ${channels.join(' ')}, or *; default: *
  --scope LIST      ${scopes.join(' ')}, separated by spaces; default: stream
  --feeds LIST      feeds separated by commas, or *; default: live
  --ttl TIME        lifetime, such as 90s, 30m, 12h or 7d, at most 30d; default: 12h
  --help            shows this text

Works only with TICKER_MODE=development, which npm run token sets.
`

/** Parses the command line; returns `help` where it asks for that. Throws a `UsageError`. */
export function parseTokenArguments(args: readonly string[]): TokenArguments | 'help' {
  const options = parseOptions(args)
  if (options.help) return 'help'
  return {
    subject: parseSubject(options.sub),
    scopes: parseScopes(options.scope),
    feeds: parseNames('--feeds', options.feeds, feedNames),
    channels: parseNames('--channels', options.channels, channelNames),
    symbols: parseNames('--symbols', options.symbols, symbolNames),
    lifetimeS: parseLifetime(options.ttl),
  }
}

function parseOptions(args: readonly string[]) {
  return readOptions({
    args: [...args],
    options: {
      sub: { type: 'string', default: 'developer' },
      symbols: { type: 'string', default: '*' },
      channels: { type: 'string', default: '*' },
      scope: { type: 'string', default: 'stream' },
      feeds: { type: 'string', default: 'live' },
      ttl: { type: 'string', default: '12h' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  }).values
}

function parseSubject(text: string): string {
  if (text.length > 0 && text.length <= 256) return text
  throw new UsageError(`--sub ${text.slice(0, 40)}: expected 1 to 256 characters`)
}

function parseScopes(text: string): readonly Scope[] {
  return text.split(' ').map(name => {
    const scope = scopes.find(known => known === name)
    if (scope !== undefined) return scope
    throw new UsageError(`--scope ${text}: expected some of ${scopes.join(' ')}, separated by single spaces`)
  })
}

function parseNames(
  option: string,
  text: string,
  rule: { readonly expected: string; read(name: string): string | undefined },
): '*' | readonly string[] {
  if (text === '*') return '*'
  return text.split(',').map(part => {
    const name = rule.read(part.trim())
    if (name !== undefined) return name
    throw new UsageError(`${option} ${text}: "${part}" is not one; expected * or ${rule.expected}`)
  })
}

const feedNames = {
  expected: 'names of lower-case letters, digits and "-"',
  read: (name: string) => (/^[a-z][a-z0-9-]{0,31}$/.test(name) ? name : undefined),
}

const channelNames = {
  expected: `some of ${channels.join(',')}`,
  read: (name: string) => channels.find(channel => channel === name),
}

const symbolNames = { expected: `symbols separated by commas, each ${symbolRule}`, read: toSymbol }

const unitS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

const longestLifetimeS = 30 * 86_400

function parseLifetime(text: string): number {
  const [, digits, unit] = /^(\d{1,7})([smhd])$/.exec(text) ?? []
  const lifetimeS = Number(digits) * (unitS[unit ?? ''] ?? Number.NaN)
  if (lifetimeS >= 1 && lifetimeS <= longestLifetimeS) return lifetimeS
  throw new UsageError(`--ttl ${text}: expected a time such as 90s, 30m, 12h or 7d, at most 30d`)
}
