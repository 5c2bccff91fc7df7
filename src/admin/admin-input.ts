import type { RevokedTokens } from '../auth/revocations.ts'
import type { Rebalancing } from '../session/sessions.ts'
import { showValue } from '../diagnostics/show-value.ts'
import { AdminFault } from './admin-fault.ts'

/** What a list of sessions is asked for with. */
export interface SessionsInput {
  readonly limit?: number
  readonly after?: number
  readonly subject?: string
}

/** Tokens to withdraw. */
export interface RevocationInput {
  readonly tokens: RevokedTokens
  readonly untilMs?: number
  readonly reason?: string
}

const longestDrainMs = 600_000
const mostSessions = 1000
const longestReason = 200
const longestRevocationMs = 366 * 86_400_000

type Members = Readonly<Record<string, unknown>>

/** Reads the query of `GET /v1/sessions`. Throws an `AdminFault`. */
export function parseSessionsQuery(query: unknown): SessionsInput {
  const members = membersOf(query, ['limit', 'after', 'sub'])
  const { limit, after, sub } = members
  return {
    ...(limit !== undefined && { limit: wholeText('limit', limit, [1, mostSessions]) }),
    ...(after !== undefined && { after: wholeText('after', after, [0, Number.MAX_SAFE_INTEGER]) }),
    ...(sub !== undefined && { subject: identifier('sub', sub) }),
  }
}

/** Reads the number in a path. Throws an `AdminFault`. */
export function parseNumber(parameters: unknown): number {
  return wholeText('number', membersOf(parameters, ['number'])['number'], [1, Number.MAX_SAFE_INTEGER])
}

/** Reads the body of `POST /v1/revocations`. Throws an `AdminFault`. */
export function parseRevocation(body: unknown, nowMs: number): RevocationInput {
  const { sub, jti, until, reason } = membersOf(body, ['sub', 'jti', 'until', 'reason'])
  if ((sub === undefined) === (jti === undefined)) {
    throw new AdminFault(400, 'expected {"sub": USER} or {"jti": TOKEN ID}, one of them')
  }
  return {
    tokens:
      sub === undefined
        ? { kind: 'jti', tokenId: identifier('jti', jti) }
        : { kind: 'sub', subject: identifier('sub', sub) },
    ...(until !== undefined && { untilMs: parseUntil(until, nowMs) }),
    ...(reason !== undefined && { reason: parseReason(reason) }),
  }
}

/** Reads the body of `POST /v1/drain`, which may be absent: the time, in ms, if it is stated. Throws an `AdminFault`. */
export function parseDrain(body: unknown): number | undefined {
  if (body === undefined || body === null) return undefined
  const { withinMs } = membersOf(body, ['withinMs'])
  return withinMs === undefined ? undefined : parseWithin(withinMs)
}

/** Reads the body of `POST /v1/rebalance`. Throws an `AdminFault`. */
export function parseRebalancing(body: unknown, defaultMs: number): Rebalancing {
  const { percent, withinMs = defaultMs } = membersOf(body ?? {}, ['percent', 'withinMs'])
  if (typeof percent === 'number' && isWithin(percent, [1, 100])) {
    return { percent, withinMs: parseWithin(withinMs) }
  }
  throw new AdminFault(
    400,
    `percent: ${percent === undefined ? 'absent' : showValue(percent)}; expected a whole number, 1 to 100: ` +
      'the share of the sessions to close, such as 50 for one of two nodes after the other has come back',
  )
}

function parseWithin(withinMs: unknown): number {
  if (typeof withinMs === 'number' && isWithin(withinMs, [0, longestDrainMs])) return withinMs
  throw new AdminFault(
    400,
    `withinMs: ${showValue(withinMs)}; expected whole milliseconds, 0 to ${longestDrainMs}`,
  )
}

/** The members of an object; one that is not known is a mistake that would be passed over in silence. */
function membersOf(value: unknown, known: readonly string[]): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AdminFault(400, `expected a JSON object, not ${showValue(value)}`)
  }
  const members: Members = Object.fromEntries(Object.entries(value))
  const unknown = Object.keys(members).find(name => !known.includes(name))
  if (unknown === undefined) return members
  throw new AdminFault(400, `${showValue(unknown)}: not known here; expected ${known.join(', ')}`)
}

function wholeText(name: string, value: unknown, bounds: readonly [number, number]): number {
  const number = typeof value === 'string' && /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN
  if (isWithin(number, bounds)) return number
  const [lowest, highest] = bounds
  throw new AdminFault(
    400,
    `${name}: ${showValue(value)}; expected a whole number, ${lowest} to ${highest}, once`,
  )
}

function isWithin(number: number, [lowest, highest]: readonly [number, number]): boolean {
  return Number.isSafeInteger(number) && number >= lowest && number <= highest
}

/** As in tokens: `sub` and `jti` have up to 256 characters (`PROTOCOL.md` §3). */
function identifier(name: string, value: unknown): string {
  if (typeof value === 'string' && value !== '' && value.length <= 256 && value.isWellFormed()) return value
  throw new AdminFault(400, `${name}: ${showValue(value)}; expected text of 1 to 256 characters`)
}

function parseReason(value: unknown): string {
  if (typeof value === 'string' && value.length <= longestReason && !/[\p{Cc}\p{Cs}]/u.test(value))
    return value
  throw new AdminFault(
    400,
    `reason: ${showValue(value)}; expected one line of up to ${longestReason} characters`,
  )
}

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

function parseUntil(value: unknown, nowMs: number): number {
  const untilMs = typeof value === 'string' && rfc3339.test(value) ? Date.parse(value) : Number.NaN
  if (untilMs > nowMs && untilMs <= nowMs + longestRevocationMs) return untilMs
  throw new AdminFault(
    400,
    `until: ${showValue(value)}; expected a time such as 2026-01-31T18:00:00Z, in the future, within 366 days`,
  )
}
