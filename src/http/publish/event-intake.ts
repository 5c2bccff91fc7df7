import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { Grant } from '../../auth/grant.ts'
import type { TokenVerifier } from '../../auth/token-verifier.ts'
import type { NodeQuotas, RateClaim } from '../../limits/node-quotas.ts'
import { type Answer, Refusal, refuseForNow } from '../answer.ts'
import { authorize, reserveQuota } from '../request-checks.ts'
import { type CheckedEvents, checkEvents, findUnentitled } from './event-check.ts'
import { type BodyEncoding, type PostedValues, bodyEncodingOf, readValues } from './posted-values.ts'
import { type PublishCounts, createPublishCounts } from './publish-counts.ts'
import { type PublishEvents, type PublishOutcome, answerOf } from './publish-outcome.ts'
import { BodyMemory, type PipelineTurn, RequestPipeline } from './requests-in-flight.ts'

export interface EventIntakeOptions {
  readonly verify: TokenVerifier
  readonly append: PublishEvents
  /** Whether the node takes requests: it is warmed up and not leaving. */
  readonly isReady: () => boolean
  /** Of a body, decompressed. */
  readonly maxBytes: number
  /** Of a request. */
  readonly maxEvents: number
  /** Of one event, as JSON. */
  readonly maxEventBytes: number
  /** Events that may wait for the log; a single request may bring more where none waits. */
  readonly maxPending: number
  /** What each user may publish. */
  readonly quotas: NodeQuotas
  /** From a request's headers to the end of its body; 30 s if left out. */
  readonly bodyTimeoutMs?: number
}

/** What a request that may publish brings. */
interface Posting {
  readonly grant: Grant
  readonly encoding: BodyEncoding
  readonly turn: PipelineTurn
}

/** Takes the events of requests into the log: all those of a request or none, within limits, and counts. */
export class EventIntake {
  readonly counts: PublishCounts = createPublishCounts()
  readonly bodyTimeoutMs: number
  readonly #options: EventIntakeOptions
  readonly #turns = new RequestPipeline()
  readonly #held = new BodyMemory()
  #requests = 0
  #onIdle: () => void = () => undefined

  constructor(options: EventIntakeOptions) {
    this.#options = options
    this.bodyTimeoutMs = options.bodyTimeoutMs ?? 30_000
  }

  /** Answers a request; `undefined` where its sender left before its body was whole. Of a connection, to be called in order. */
  async answer(request: IncomingMessage, response: ServerResponse): Promise<Answer | undefined> {
    this.#requests++
    response.once('close', () => this.#leave())
    const turn = this.#turns.take(request.socket)
    try {
      const answer = await this.#answer(request, turn)
      this.counts.requests[answer?.status ?? 'aborted']++
      return answer
    } finally {
      turn.end()
    }
  }

  /** Resolves when every request has been answered, or after a time. */
  async drain(withinMs: number): Promise<void> {
    if (this.#requests === 0) return
    const patience = new AbortController()
    const idle = new Promise<void>(resolve => {
      this.#onIdle = resolve
    })
    await Promise.race([idle, pause(withinMs, undefined, patience).catch(() => undefined)])
    patience.abort()
  }

  #leave(): void {
    this.#requests--
    if (this.#requests === 0) this.#onIdle()
  }

  async #answer(request: IncomingMessage, turn: PipelineTurn): Promise<Answer | undefined> {
    const { isReady, verify, maxBytes } = this.#options
    if (!isReady()) return refuseForNow(503, 'not ready: still reading the log, or leaving; try again', 1)
    const grant = await authorize(request.headers.authorization, { verify, scope: 'publish' })
    if (grant instanceof Refusal) return grant
    const encoding = bodyEncodingOf(request.headers, maxBytes)
    if (encoding instanceof Refusal) return encoding
    const release = this.#held.claim(grant.subject, encoding.mostBytes)
    if (release instanceof Refusal) return release
    try {
      return await this.#publish(request, { grant, encoding, turn })
    } finally {
      release()
    }
  }

  async #publish(request: IncomingMessage, { grant, encoding, turn }: Posting): Promise<Answer | undefined> {
    const { maxBytes, maxEvents } = this.#options
    const posted = await readValues(request, encoding, { maxBytes, maxEvents, timeoutMs: this.bodyTimeoutMs })
    if (posted === undefined || posted instanceof Refusal) return posted
    const checked = await this.#check(posted, grant)
    if (checked instanceof Refusal) return checked
    await turn.before
    const appended = this.#append(checked, grant.subject)
    turn.end()
    return await appended
  }

  /** What is not valid costs its sender as much as what is, since it costs us as much. */
  async #check(posted: PostedValues, grant: Grant): Promise<CheckedEvents | Refusal> {
    const { maxEventBytes, quotas } = this.#options
    const { refused } = this.counts
    const count = posted.values.length
    const shortage = await reserveQuota(quotas, published(grant.subject, count))
    if (shortage !== undefined) {
      refused[shortage.status === 429 ? 'rate' : 'silence'] += count
      return shortage
    }
    const checked = checkEvents(posted, maxEventBytes)
    if (checked instanceof Refusal) {
      refused.invalid += count
      return checked
    }
    const refusal = findUnentitled(grant, checked.events)
    if (refusal === undefined) return checked
    refused.unentitled += count
    return refusal
  }

  /** Hands the events to the log at once, so that the next request of the connection comes after this one. */
  async #append({ events, warnings }: CheckedEvents, user: string): Promise<Answer> {
    const { append, maxPending, quotas } = this.#options
    const { counts } = this
    if (counts.pending > 0 && counts.pending + events.length > maxPending) {
      counts.refused.pending += events.length
      quotas.refund(published(user, events.length))
      return refuseForNow(503, 'too many events wait to be published; try again', 1)
    }
    counts.pending += events.length
    try {
      const outcomes = await append(events)
      this.#count(outcomes)
      return answerOf(outcomes, warnings)
    } finally {
      counts.pending -= events.length
    }
  }

  #count(outcomes: readonly PublishOutcome[]): void {
    for (const outcome of outcomes) {
      if ('fault' in outcome) this.counts.refused[outcome.fault]++
      else this.counts.published++
    }
  }
}

function published(user: string, count: number): RateClaim {
  return { kind: 'eventsPerUser', key: user, count }
}
