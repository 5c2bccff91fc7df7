import type { Channel } from '../event/event.ts'
import { toSymbol } from '../event/symbol.ts'
import { TokenError } from './token-error.ts'

/**
 * The permissions of a token: reading the stream, publishing events, using the rooms of the WebRTC relay
 * (nothing asks for these yet), resuming from far back.
 */
export const scopes = ['stream', 'publish', 'relay', 'history'] as const

export type Scope = (typeof scopes)[number]

/** The names that a token allows: all of them, or those listed. */
type AllowedNames = '*' | ReadonlySet<string>

/** The permissions of a verified token. */
export interface Grant {
  /** The user (`sub`), 1 to 256 characters. */
  readonly subject: string
  /** The token's id (`jti`), where it has one. */
  readonly tokenId?: string
  /** When the token was issued (`iat`), in milliseconds since 1970, where the token states it. */
  readonly issuedAtMs?: number
  readonly scopes: ReadonlySet<Scope>
  readonly feeds: AllowedNames
  readonly channels: AllowedNames
  readonly symbols: AllowedNames
  /** Rooms of the WebRTC relay. Read so that issuers can grant them; nothing uses them yet. */
  readonly rooms: AllowedNames
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number
}

/** Whether `name` is among the allowed names. */
export function entitles(allowed: AllowedNames, name: string): boolean {
  return allowed === '*' || allowed.has(name)
}

/**
 * Whether a grant allows a channel. `trades` includes `corrections` and `cancelErrors`, which amend trades.
 */
export function entitlesChannel(grant: Grant, channel: Channel): boolean {
  if (entitles(grant.channels, channel)) return true
  return (channel === 'corrections' || channel === 'cancelErrors') && entitles(grant.channels, 'trades')
}

/** Returns the reason why a grant does not permit reading any feed; `undefined` where it does. */
export function missingForStream(grant: Grant): string | undefined {
  return grant.scopes.has('stream') ? undefined : 'the token lacks the scope "stream"'
}

/** Returns the reason why a grant does not permit reading a feed; `undefined` where it does. */
export function missingForFeed({ feeds }: Grant, feed: string): string | undefined {
  if (feeds === '*' || feeds.has(feed)) return undefined
  const cure = `ask for a token with "${feed}" among its feeds`
  if (feeds.size === 0) return `the token does not allow the feed "${feed}", nor any other; ${cure}`
  const allowed = [...feeds].slice(0, maxNamed).join(', ') + (feeds.size > maxNamed ? ', …' : '')
  return `the token does not allow the feed "${feed}"; it allows ${allowed}: use one of these, or ${cure}`
}

/** Feeds of a token that a refusal names. */
const maxNamed = 8

const noNames: ReadonlySet<never> = new Set()
/** One set for each combination of scopes: there are few combinations, and many grants. */
const scopeSets = new Map<string, ReadonlySet<Scope>>()

const longestId = 256
/**
 * The end of the year 9999, which some issuers write for "never". A larger number must be milliseconds: this
 * one, read as milliseconds, is in 1978.
 */
const lastSecond = 253_402_300_799

/**
 * Reads a grant from the claims of a verified token: `sub` and `exp` (RFC 7519 §4.1), optional `jti` and
 * `iat`, `scope` (RFC 8693 §4.2; unknown scopes belong to other services), and `ticker: { feeds, channels,
 * symbols, rooms }`, each an array of names or `*`. An absent member allows nothing; a malformed one throws a
 * `TokenError`.
 *
 * Written by hand: with valibot it is longer, since most checks would be functions of ours.
 */
export function parseGrant(claims: unknown): Grant {
  if (!isRecord(claims)) throw fault('the claims are not an object')
  const { sub, jti, scope, ticker = {} } = claims
  const { exp, iat } = parseTimes(claims)
  if (!isId(sub)) throw fault(`"sub" is not text of 1 to ${longestId} characters`)
  if (exp === undefined) throw fault('"exp" is missing')
  if (jti !== undefined && !isId(jti)) throw fault(`"jti" is not text of 1 to ${longestId} characters`)
  if (!isRecord(ticker)) throw fault('"ticker" is not an object')
  return {
    subject: sub,
    ...(jti === undefined ? {} : { tokenId: jti }),
    ...(iat === undefined ? {} : { issuedAtMs: Math.floor(iat * 1000) }),
    scopes: parseScopes(scope),
    feeds: parseNames(ticker, 'feeds'),
    channels: parseNames(ticker, 'channels'),
    symbols: parseSymbols(ticker),
    rooms: parseNames(ticker, 'rooms'),
    expiresAtMs: Math.floor(exp * 1000),
  }
}

/**
 * Reads the times of a token (RFC 7519 §2: seconds since 1970, with or without a fraction), where it has
 * them.
 */
export function parseTimes(claims: Readonly<Record<string, unknown>>): {
  readonly exp: number | undefined
  readonly nbf: number | undefined
  readonly iat: number | undefined
} {
  const timeOf = (name: 'exp' | 'nbf' | 'iat'): number | undefined => {
    const time = claims[name]
    if (time === undefined) return undefined
    if (typeof time !== 'number' || !(time >= 0)) {
      throw fault(`"${name}" is not a time in seconds since 1970`)
    }
    if (time > lastSecond) {
      throw fault(`"${name}" is beyond the year 9999; is it in milliseconds? Expected seconds since 1970`)
    }
    return time
  }
  return { exp: timeOf('exp'), nbf: timeOf('nbf'), iat: timeOf('iat') }
}

function parseScopes(scope: unknown): ReadonlySet<Scope> {
  if (scope === undefined) return noNames
  if (typeof scope !== 'string') throw fault('"scope" is not text of names with spaces between them')
  const named = new Set(scope.split(' '))
  const seen = scopes.filter(known => named.has(known))
  const key = seen.join(' ')
  const known = scopeSets.get(key) ?? new Set(seen)
  scopeSets.set(key, known)
  return known
}

function parseNames(ticker: Readonly<Record<string, unknown>>, member: string): AllowedNames {
  const names = Object.hasOwn(ticker, member) ? ticker[member] : []
  if (names === '*') return '*'
  if (!Array.isArray(names)) throw fault(`"ticker.${member}" is neither an array nor "*"`)
  const allowed = new Set<string>()
  for (const name of names) {
    if (typeof name !== 'string' || name === '')
      throw fault(`"ticker.${member}" has a member that is not a name`)
    allowed.add(name)
  }
  if (allowed.size === 0) return noNames
  return allowed.has('*') ? '*' : allowed
}

/** A name that is not a symbol would never match, so it must be the issuer's mistake. */
function parseSymbols(ticker: Readonly<Record<string, unknown>>): AllowedNames {
  const named = parseNames(ticker, 'symbols')
  if (named === '*' || named.size === 0) return named
  const symbols = [...named].flatMap(name => toSymbol(name) ?? [])
  if (symbols.length === named.size) return new Set(symbols)
  throw fault('"ticker.symbols" has a member that is not a symbol')
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= longestId && value.isWellFormed()
}

function fault(rule: string): TokenError {
  return new TokenError('claims', `token: ${rule}; the issuer has to correct it`, { hint: rule })
}
