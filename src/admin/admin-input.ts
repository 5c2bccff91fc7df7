import * as v from 'valibot'
import type { RevokedTokens } from '../auth/revocations.ts'
import { showValue } from '../diagnostics/show-value.ts'
import { type TransportName, transportNames } from '../session/transport.ts'
import type { Rebalancing } from '../session/sessions.ts'
import { AdminFault } from './admin-fault.ts'

/** The query of `GET /v1/sessions`. */
export interface SessionsInput {
  readonly limit?: number
  readonly after?: number
  readonly subject?: string
  readonly feed?: string
  readonly transport?: TransportName
}

/** The tokens to withdraw. */
export interface RevocationInput {
  readonly tokens: RevokedTokens
  readonly untilMs?: number
  readonly reason?: string
}

const longestDrainMs = 600_000
const maxSessions = 1000
const longestReason = 200
const longestRevocationMs = 366 * 86_400_000

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/

/** A whole number as a query or a path spells it. A repeated parameter is a list, and refused. */
function numberText(lowest: number, highest: number) {
  const expected = `a whole number, ${lowest} to ${highest}, once`
  const isWithin = (text: string): boolean =>
    /^\d{1,16}$/.test(text) && Number(text) >= lowest && Number(text) <= highest
  return v.pipe(v.string(expected), v.check(isWithin, expected), v.transform(Number))
}

function wholeNumber(lowest: number, highest: number, expected: string) {
  return v.pipe(
    v.number(expected),
    v.safeInteger(expected),
    v.minValue(lowest, expected),
    v.maxValue(highest, expected),
  )
}

/** `sub` or `jti`: up to 256 characters, as in tokens (`PROTOCOL.md` §3). */
const identifier = v.pipe(
  v.string('text of 1 to 256 characters'),
  v.check(text => text !== '' && text.length <= 256 && text.isWellFormed(), 'text of 1 to 256 characters'),
)

const reason = v.pipe(
  v.string(`one line of up to ${longestReason} characters`),
  v.check(
    text => text.length <= longestReason && !/[\p{Cc}\p{Cs}]/u.test(text),
    `one line of up to ${longestReason} characters`,
  ),
)

const withinMs = wholeNumber(0, longestDrainMs, `whole milliseconds, 0 to ${longestDrainMs}`)

const percent = wholeNumber(
  1,
  100,
  'a whole number, 1 to 100: the share of the sessions to close, ' +
    'such as 50 for one of two nodes after the other has come back',
)

const sessionsQuery = v.strictObject({
  limit: v.exactOptional(numberText(1, maxSessions)),
  after: v.exactOptional(numberText(0, Number.MAX_SAFE_INTEGER)),
  sub: v.exactOptional(identifier),
  feed: v.exactOptional(v.string('the name of a feed, once')),
  transport: v.exactOptional(v.picklist(transportNames, `${transportNames.join(' or ')}, once`)),
})

const pathParameters = v.strictObject({ number: numberText(1, Number.MAX_SAFE_INTEGER) })

const drainBody = v.strictObject({ withinMs: v.exactOptional(withinMs) })

const rebalancingBody = v.strictObject({ percent, withinMs })

function revocationBody(nowMs: number) {
  const expected = 'a time such as 2026-01-31T18:00:00Z, in the future, within 366 days'
  const isInTime = (text: string): boolean => {
    const untilMs = rfc3339.test(text) ? Date.parse(text) : Number.NaN
    return untilMs > nowMs && untilMs <= nowMs + longestRevocationMs
  }
  return v.strictObject({
    sub: v.exactOptional(identifier),
    jti: v.exactOptional(identifier),
    until: v.exactOptional(v.pipe(v.string(expected), v.check(isInTime, expected), v.transform(Date.parse))),
    reason: v.exactOptional(reason),
  })
}

/** Reads the query of `GET /v1/sessions` of a node with these feeds. Throws an `AdminFault`. */
export function parseSessionsQuery(query: unknown, feeds: readonly string[]): SessionsInput {
  const { sub, ...page } = parse(sessionsQuery, query)
  if (page.feed !== undefined && !feeds.includes(page.feed))
    throw new AdminFault(400, `feed: ${showValue(page.feed)}; expected ${feeds.join(' or ')}`)
  return { ...page, ...(sub !== undefined && { subject: sub }) }
}

/** Reads the number in a path. Throws an `AdminFault`. */
export function parseNumber(parameters: unknown): number {
  return parse(pathParameters, parameters).number
}

/** Reads the body of `POST /v1/revocations`. Throws an `AdminFault`. */
export function parseRevocation(body: unknown, nowMs: number): RevocationInput {
  const { sub, jti, until, reason: why } = parse(revocationBody(nowMs), body)
  const options = {
    ...(until !== undefined && { untilMs: until }),
    ...(why !== undefined && { reason: why }),
  }
  if (sub !== undefined && jti === undefined) return { tokens: { kind: 'sub', subject: sub }, ...options }
  if (jti !== undefined && sub === undefined) return { tokens: { kind: 'jti', tokenId: jti }, ...options }
  throw new AdminFault(400, 'expected {"sub": USER} or {"jti": TOKEN ID}, one of them')
}

/**
 * Reads the body of `POST /v1/drain`, which may be absent: the time in ms, if it is stated. Throws an
 * `AdminFault`.
 */
export function parseDrain(body: unknown): number | undefined {
  return parse(drainBody, body ?? {}).withinMs
}

/** Reads the body of `POST /v1/rebalance`. Throws an `AdminFault`. */
export function parseRebalancing(body: unknown, defaultMs: number): Rebalancing {
  const members = asObject(body ?? {})
  return parse(rebalancingBody, { percent: undefined, withinMs: defaultMs, ...members })
}

function asObject(value: unknown): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw new AdminFault(400, `expected a JSON object, not ${showValue(value)}`)
}

/** An unknown member is refused: it is a mistake that would otherwise go unnoticed. */
function parse<Entries extends v.ObjectEntries>(
  schema: v.StrictObjectSchema<Entries, undefined>,
  value: unknown,
): v.InferOutput<typeof schema> {
  const result = v.safeParse(schema, asObject(value), { abortEarly: true, abortPipeEarly: true })
  if (result.success) return result.output
  const [{ path, expected, input, message }] = result.issues
  const name = String(path?.[0].key)
  if (expected === 'never') {
    const known = Object.keys(schema.entries).join(', ')
    throw new AdminFault(400, `${showValue(name)}: not known here; expected ${known}`)
  }
  const shown = input === undefined ? 'absent' : showValue(input)
  throw new AdminFault(400, `${name}: ${shown}; expected ${message}`)
}
