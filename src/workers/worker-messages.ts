import type { StoredRevocation } from '../auth/revocations.ts'
import { type OutageReport, outageSources } from '../feed/outage.ts'
import { slotKinds, type SlotKind, rateKinds, type RateClaim } from '../limits/node-quotas.ts'
import type { SessionFacts } from '../session/session-facts.ts'
import type { Rebalancing, SessionPage, SessionQuery } from '../session/sessions.ts'
import { absentOr, amount, count, hasShape, isMembers, list, text } from './message-schemas.ts'

/** What a worker asks the primary. A claim has a number of the worker's, by which it gives the place back. */
export type WorkerQuestion =
  | { readonly ask: 'join' }
  | { readonly ask: 'claim'; readonly number: number; readonly kind: SlotKind; readonly key: string }
  | { readonly ask: 'reserve'; readonly wants: readonly RateClaim[]; readonly mostMs: number }

/** What a worker tells the primary. It is ready where it lacks nothing. */
export type WorkerNotice =
  | { readonly tell: 'alive' }
  | { readonly tell: 'listening'; readonly url: string }
  | { readonly tell: 'state'; readonly notReadyReason?: string }
  | { readonly tell: 'outage'; readonly outage?: OutageReport }
  | { readonly tell: 'release'; readonly number: number }
  | { readonly tell: 'giveBack'; readonly want: RateClaim }
  | { readonly tell: 'extended'; readonly number: number; readonly untilMs: number }

/** What the primary answers a worker that joins. */
export interface Welcome {
  readonly slot: number
  readonly listens: 'at once' | 'when ready'
  readonly sessionNumbersAbove: number
  readonly revocations: readonly StoredRevocation[]
}

/** What the primary asks a worker. */
export type PrimaryQuestion =
  | { readonly ask: 'metrics' }
  | { readonly ask: 'list'; readonly query: SessionQuery }
  | { readonly ask: 'end'; readonly number: number }
  | { readonly ask: 'revoke'; readonly revocation: StoredRevocation }
  | { readonly ask: 'drain'; readonly withinMs: number }
  | { readonly ask: 'rebalance'; readonly rebalancing: Rebalancing }

/** What the primary tells a worker. */
export type PrimaryNotice =
  | { readonly tell: 'lift'; readonly number: number }
  | { readonly tell: 'extended'; readonly number: number; readonly untilMs: number }
  | { readonly tell: 'stop' }

/** As many revocations as are kept, at most. */
const mostRevocations = 10_000
const mostSessions = 1000
const mostWants = 8

const workerQuestions: Readonly<Record<string, Readonly<Record<string, (value: unknown) => boolean>>>> = {
  join: {},
  claim: { number: count, kind: isPlaceKind, key: text },
  reserve: { wants: value => list(value, mostWants, isWant), mostMs: amount },
}

const workerNotices: typeof workerQuestions = {
  alive: {},
  listening: { url: text },
  state: { notReadyReason: absentOr(text) },
  outage: { outage: absentOr(isOutage) },
  release: { number: count },
  giveBack: { want: isWant },
  extended: { number: count, untilMs: amount },
}

const primaryQuestions: typeof workerQuestions = {
  metrics: {},
  list: {
    query: value =>
      hasShape(value, { after: absentOr(count), limit: absentOr(count), subject: absentOr(text) }),
  },
  end: { number: count },
  revoke: { revocation: isKeptRevocation },
  drain: { withinMs: count },
  rebalance: { rebalancing: value => hasShape(value, { percent: count, withinMs: count }) },
}

const primaryNotices: typeof workerQuestions = {
  lift: { number: count },
  extended: { number: count, untilMs: amount },
  stop: {},
}

function isOutage(value: unknown): boolean {
  return hasShape(value, { source: isOutageSource, since: text, reason: absentOr(text) })
}

function isOutageSource(value: unknown): boolean {
  return outageSources.some(source => source === value)
}

export function isWorkerQuestion(value: unknown): value is WorkerQuestion {
  return isMessage(value, 'ask', workerQuestions)
}

export function isWorkerNotice(value: unknown): value is WorkerNotice {
  return isMessage(value, 'tell', workerNotices)
}

export function isPrimaryQuestion(value: unknown): value is PrimaryQuestion {
  return isMessage(value, 'ask', primaryQuestions)
}

export function isPrimaryNotice(value: unknown): value is PrimaryNotice {
  return isMessage(value, 'tell', primaryNotices)
}

/** Reads the answer to `join`. */
export function parseWelcome(value: unknown): Welcome | undefined {
  return isWelcome(value) ? value : undefined
}

/** Reads the answer to `list`. */
export function parseSessionPage(value: unknown): SessionPage | undefined {
  return isSessionPage(value) ? value : undefined
}

function isMessage(value: unknown, verb: 'ask' | 'tell', known: typeof workerQuestions): boolean {
  if (!isMembers(value)) return false
  const name = value[verb]
  const shape = typeof name === 'string' && Object.hasOwn(known, name) ? known[name] : undefined
  return shape !== undefined && hasShape(value, { ...shape, [verb]: text })
}

function isWelcome(value: unknown): value is Welcome {
  return hasShape(value, {
    slot: count,
    listens: each => each === 'at once' || each === 'when ready',
    sessionNumbersAbove: count,
    revocations: each => list(each, mostRevocations, isKeptRevocation),
  })
}

function isSessionPage(value: unknown): value is SessionPage {
  return hasShape(value, {
    sessions: each => list(each, mostSessions, isSessionFacts),
    next: absentOr(count),
  })
}

function isSessionFacts(value: unknown): value is SessionFacts {
  return hasShape(value, {
    number: count,
    state: text,
    subject: absentOr(text),
    tokenId: absentOr(text),
    address: text,
    form: text,
    sinceMs: amount,
    expiresAtMs: absentOr(amount),
    lastMessageMs: absentOr(amount),
    items: count,
    unsentBytes: count,
    frames: count,
    bytes: count,
  })
}

function isKeptRevocation(value: unknown): value is StoredRevocation {
  return hasShape(value, {
    number: count,
    tokens: isRevokedTokens,
    sinceMs: amount,
    untilMs: amount,
    reason: absentOr(text),
    isStated: each => typeof each === 'boolean',
  })
}

function isRevokedTokens(value: unknown): boolean {
  if (!isMembers(value)) return false
  return value['kind'] === 'sub'
    ? hasShape(value, { kind: text, subject: text })
    : hasShape(value, { kind: each => each === 'jti', tokenId: text })
}

function isWant(value: unknown): value is RateClaim {
  return hasShape(value, { kind: isRateKind, key: text, count })
}

function isPlaceKind(value: unknown): boolean {
  return slotKinds.some(kind => kind === value)
}

function isRateKind(value: unknown): boolean {
  return rateKinds.some(kind => kind === value)
}
