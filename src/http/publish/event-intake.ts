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
  /** Size of a body, decompressed. */
  readonly maxBytes: number
  /** Events of a request. */
  readonly maxEvents: number
  /** Size of one event as JSON. */
  readonly maxEventBytes: number
  /** Events that may wait for the log. A single request may bring more if none waits. */
  readonly maxPending: number
  /** Limits what each user publishes. */
  readonly quotas: NodeQuotas
  /** From a request's headers to the end of its body; 30 s if left out. */
  readonly bodyTimeoutMs?: number
}

/** A request with the right to publish. */
interface PublishRequest {
  readonly grant: Grant
  readonly encoding: BodyEncoding
  readonly turn: PipelineTurn
}

/** Publishes the events of requests, within limits: appends all events of a request to the log, or none. */
export class EventIntake {
  readonly counts: PublishCounts = createPublishCounts()
  readonly bodyTimeoutMs: number
  readonly #options: EventIntakeOptions
  readonly #pipeline = new RequestPipeline()
  readonly #bodyMemory = new BodyMemory()
  #requests = 0
  #onIdle: () => void = () => undefined

  constructor(options: EventIntakeOptions) {
    this.#options = options
    this.bodyTimeoutMs = options.bodyTimeoutMs ?? 30_000
  }

  /**
   * Handles a request; to be called in the order of each connection. Returns `undefined` if its sender left
   * early.
   */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<Answer | undefined> {
    this.#requests++
    response.once('close', () => this.#leave())
    const turn = this.#pipeline.enqueue(request.socket)
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
    const timeout = new AbortController()
    const idle = new Promise<void>(resolve => {
      this.#onIdle = resolve
    })
    await Promise.race([idle, pause(withinMs, undefined, timeout).catch(() => undefined)])
    timeout.abort()
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
    const release = this.#bodyMemory.claim(grant.subject, encoding.maxBytes)
    if (release instanceof Refusal) return release
    try {
      return await this.#publish(request, { grant, encoding, turn })
    } finally {
      release()
    }
  }

  async #publish(
    request: IncomingMessage,
    { grant, encoding, turn }: PublishRequest,
  ): Promise<Answer | undefined> {
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

  /** Invalid events use up the sender's rate too: they cost the gateway as much. */
  async #check(posted: PostedValues, grant: Grant): Promise<CheckedEvents | Refusal> {
    const { maxEventBytes, quotas } = this.#options
    const { refused } = this.counts
    const count = posted.values.length
    const shortage = await reserveQuota(quotas, publishClaim(grant.subject, count))
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

  /** Appends before it returns, so that the next request of the connection comes after this one. */
  async #append({ events, warnings }: CheckedEvents, user: string): Promise<Answer> {
    const { append, maxPending, quotas } = this.#options
    const { counts } = this
    if (counts.pending > 0 && counts.pending + events.length > maxPending) {
      counts.refused.pending += events.length
      quotas.refund(publishClaim(user, events.length))
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

function publishClaim(user: string, count: number): RateClaim {
  return { kind: 'eventsPerUser', key: user, count }
}
