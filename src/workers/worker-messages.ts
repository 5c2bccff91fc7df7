import * as v from 'valibot'
import type { StoredRevocation } from '../auth/revocations.ts'
import { outageSources } from '../feed/outage.ts'
import type { FeedOutage } from '../http/operations.ts'
import { rateKinds, slotKinds } from '../limits/node-quotas.ts'
import type { SessionFacts } from '../session/session-facts.ts'
import { type SessionState, sessionSteps } from '../session/session-steps.ts'
import { transportNames } from '../session/transport.ts'

/** Texts in messages have at most so many characters. */
export const longestText = 512

const text = v.pipe(v.string(), v.maxLength(longestText))
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const amount = v.pipe(v.number(), v.minValue(0))

function list<Item extends v.GenericSchema>(item: Item, maxLength: number) {
  return v.pipe(v.array(item), v.maxLength(maxLength))
}

/** As many revocations as are kept, at most. */
const maxRevocations = 10_000
const maxSessions = 1000
const maxClaims = 8
const maxFeeds = 8

const revocation = v.strictObject({
  number: count,
  tokens: v.variant('kind', [
    v.strictObject({ kind: v.literal('sub'), subject: text }),
    v.strictObject({ kind: v.literal('jti'), tokenId: text }),
  ]),
  sinceMs: amount,
  untilMs: amount,
  reason: v.exactOptional(text),
  hasStatedEnd: v.boolean(),
}) satisfies v.GenericSchema<StoredRevocation>

const outage = v.strictObject({
  feed: text,
  source: v.picklist(outageSources),
  since: text,
  reason: v.exactOptional(text),
}) satisfies v.GenericSchema<FeedOutage>

const rateClaim = v.strictObject({ kind: v.picklist(rateKinds), key: text, count })

const sessionFacts = v.strictObject({
  number: count,
  feed: text,
  transport: v.picklist(transportNames),
  state: v.custom<SessionState>(state => typeof state === 'string' && Object.hasOwn(sessionSteps, state)),
  subject: v.exactOptional(text),
  tokenId: v.exactOptional(text),
  address: text,
  form: text,
  sinceMs: amount,
  expiresAtMs: v.exactOptional(amount),
  lastMessageMs: v.exactOptional(amount),
  items: count,
  unsentBytes: count,
  frames: count,
  bytes: count,
}) satisfies v.GenericSchema<SessionFacts>

/** A question of a worker to the primary. A claim has a number of the worker's own, which releases it. */
export const workerQuestion = v.variant('ask', [
  v.strictObject({ ask: v.literal('join') }),
  v.strictObject({ ask: v.literal('claim'), number: count, kind: v.picklist(slotKinds), key: text }),
  v.strictObject({ ask: v.literal('reserve'), wants: list(rateClaim, maxClaims), mostMs: amount }),
])
export type WorkerQuestion = v.InferOutput<typeof workerQuestion>

/** A notice of a worker to the primary. A worker without a `notReadyReason` is ready. */
export const workerNotice = v.variant('tell', [
  v.strictObject({ tell: v.literal('alive') }),
  v.strictObject({ tell: v.literal('listening'), url: text }),
  v.strictObject({ tell: v.literal('state'), notReadyReason: v.exactOptional(text) }),
  v.strictObject({ tell: v.literal('outages'), outages: list(outage, maxFeeds) }),
  v.strictObject({ tell: v.literal('release'), number: count }),
  v.strictObject({ tell: v.literal('refund'), want: rateClaim }),
  v.strictObject({ tell: v.literal('extended'), number: count, untilMs: amount }),
])
export type WorkerNotice = v.InferOutput<typeof workerNotice>

/** A question of the primary to a worker. */
export const primaryQuestion = v.variant('ask', [
  v.strictObject({ ask: v.literal('metrics') }),
  v.strictObject({
    ask: v.literal('list'),
    query: v.strictObject({
      after: v.exactOptional(count),
      limit: v.exactOptional(count),
      feed: v.exactOptional(text),
      subject: v.exactOptional(text),
      transport: v.exactOptional(v.picklist(transportNames)),
    }),
  }),
  v.strictObject({ ask: v.literal('end'), number: count }),
  v.strictObject({ ask: v.literal('revoke'), revocation }),
  v.strictObject({ ask: v.literal('drain'), withinMs: count }),
  v.strictObject({
    ask: v.literal('rebalance'),
    rebalancing: v.strictObject({ percent: count, withinMs: count }),
  }),
])
export type PrimaryQuestion = v.InferOutput<typeof primaryQuestion>

/** A notice of the primary to a worker. */
export const primaryNotice = v.variant('tell', [
  v.strictObject({ tell: v.literal('lift'), number: count }),
  v.strictObject({ tell: v.literal('extended'), number: count, untilMs: amount }),
  v.strictObject({ tell: v.literal('stop') }),
])
export type PrimaryNotice = v.InferOutput<typeof primaryNotice>

/** The primary's answer to `join`. */
export const welcome = v.strictObject({
  ordinal: count,
  listenWhen: v.picklist(['at once', 'when ready']),
  sessionNumberBase: count,
  revocations: list(revocation, maxRevocations),
})
export type Welcome = v.InferOutput<typeof welcome>

/** A worker's answer to `list`. */
export const sessionPage = v.strictObject({
  sessions: list(sessionFacts, maxSessions),
  next: v.exactOptional(count),
})

/** The primary's answer to `claim`. */
export const isGranted = v.boolean()

/** The primary's answer to `reserve`: how long to wait, in ms. */
export const waitMs = amount

/** A worker's answer to `end`: whether there was such a session. */
export const isEnded = v.boolean()

/** A worker's answer to `revoke` and `rebalance`: how many sessions are affected. */
export const sessionCount = count

/** A worker's answer to `drain`. */
export const isDrained = v.literal(true)
