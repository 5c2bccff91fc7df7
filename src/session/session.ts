import type { Grant } from '../auth/grant.ts'
import type { Feed } from '../feed/feed.ts'
import type { CloseReason } from '../protocol/close-reason.ts'
import type { ClientMessage, Dialect } from '../protocol/dialect.ts'
import type { RequestFault, RequestId } from '../protocol/request-fault.ts'
import type { ServerMessage } from '../protocol/server-message.ts'
import type { Payload } from '../wire/payload.ts'
import type { WireForm } from '../wire/wire-form.ts'
import { Delivery } from './delivery/delivery.ts'
import { FlowControl } from './delivery/flow-control.ts'
import { describeLag, describeTimeout, type LagOptions } from './lag.ts'
import { MessageRate } from './message-rate.ts'
import { type RequestedSession, RequestHandler } from './request-handler.ts'
import { authorizeSession, SessionAuthorization, type TokenOutcome } from './session-authorization.ts'
import type { Recipient, SessionContext, SessionOpening, SessionOrigin } from './session-context.ts'
import { sessionFactsOf, type SessionFacts } from './session-facts.ts'
import {
  type SessionEndCause,
  type SessionEvent,
  type SessionState,
  sessionEnds,
  sessionSteps,
} from './session-steps.ts'
import type { Transport, TransportName } from './transport.ts'

/** What the client is told of a step; `code` where the step does not say it. */
type StepDetail = Partial<RequestFault> & Omit<RequestFault, 'code'>

/** The answers to a peer that is not authenticated end at some time. */
const maxEarlyFaults = 16

/**
 * One client: its identity, its subscription and the connection under it. `PROTOCOL.md` decides what the
 * gateway answers, `sessionSteps` what becomes of the session.
 */
export class Session implements Recipient, RequestedSession {
  readonly #context: SessionContext
  readonly #transport: Transport
  readonly #origin: Pick<SessionOrigin, 'number' | 'address'>
  readonly #sinceMs: number
  readonly #rate: MessageRate
  readonly #flowControl: FlowControl
  /** Gets what the client sends. */
  readonly requests: RequestHandler
  /** On the steady clock. */
  readonly #authDueMs: number
  #deadline: NodeJS.Timeout | undefined
  #state: SessionState = 'connected'
  #authorization: SessionAuthorization | undefined
  /** Errors sent before authentication. */
  #earlyFaults = 0

  constructor(context: SessionContext, transport: Transport, origin: SessionOrigin) {
    const { limits, clock } = context
    this.#context = context
    this.#transport = transport
    this.#origin = { number: origin.number, address: origin.address }
    this.#sinceMs = clock.wall()
    const rate = new MessageRate(limits.messagesPerSecond, clock)
    const flowControl = new FlowControl({ transport, limits, clock })
    this.#rate = rate
    this.#flowControl = flowControl
    this.requests = new RequestHandler({ session: this, rate, flowControl })
    const leftMs = Math.max(0, limits.authTimeoutMs - origin.ageMs)
    this.#authDueMs = clock.steady() + leftMs
    this.#deadline = setTimeout(() => this.#missDeadline(), leftMs)
    this.#states.connected++
    this.send({ kind: 'connected' })
  }

  /** Unique in this process. */
  get number(): number {
    return this.#origin.number
  }

  get transportName(): TransportName {
    return this.#transport.traits.name
  }

  get feed(): Feed {
    return this.#context.feed
  }

  get form(): WireForm {
    return this.#transport.form
  }

  get dialect(): Dialect {
    return this.form.dialect
  }

  get state(): SessionState {
    return this.#state
  }

  /** `undefined` before the client is authenticated. */
  get delivery(): Delivery | undefined {
    return this.#authorization?.delivery
  }

  /** The user, once the token was verified. */
  get subject(): string | undefined {
    return this.#authorization?.grant.subject
  }

  /** How many items are subscribed. */
  get size(): number {
    return this.delivery?.size ?? 0
  }

  /** Whether the session is where the feed is. */
  get isCaughtUp(): boolean {
    return this.delivery?.isLive ?? true
  }

  /** Bytes written, but not taken by the connection. */
  get unsentBytes(): number {
    return this.#transport.unsentBytes
  }

  /** Whether the session is live under a token that was withdrawn. */
  get isRevoked(): boolean {
    if (this.#state === 'ended' || this.#authorization === undefined) return false
    return this.#context.isRevoked(this.#authorization.grant)
  }

  get facts(): SessionFacts {
    return sessionFactsOf(this, {
      address: this.#origin.address,
      transport: this.#transport,
      grant: this.#authorization?.grant,
      sinceMs: this.#sinceMs,
      lastMessageMs: this.#rate.lastMs,
    })
  }

  /** Handles one message of the client. A fault thereby ends this session, never the node. */
  receive(message: ClientMessage): void {
    this.requests.receive(message)
  }

  /**
   * Begins the check of a token, from a message or from the handshake: the first one, or one for the session
   * to go on under.
   */
  authenticate(token: string, id?: RequestId): void {
    const from = this.#state
    this.#step('auth', { detail: 'a further "auth" while a token is being checked', id })
    if (from !== 'connected' && from !== 'live') return
    const former = this.#authorization?.grant
    authorizeSession(this.#context, { token, former, dueMs: this.#authDueMs })
      .then(outcome => this.#settle(outcome, id))
      .catch((error: unknown) => this.fail(error))
  }

  /** Begins the session of a client that can send nothing: whatever is refused of it ends the session. */
  begin({ token, subscribe }: SessionOpening): void {
    this.authenticate(token)
    this.requests.hold(subscribe)
  }

  refuseEarly(detail: string, id?: RequestId): void {
    this.#step('request', { detail, id })
  }

  /**
   * Sends everyone's message about partitions, and before it what the client does not get of a partition that
   * begins anew.
   */
  announce(frame: Payload | undefined): void {
    if (this.delivery === undefined) return
    this.delivery.noticePartitions()
    if (frame !== undefined) this.write(frame)
  }

  /**
   * Sends everyone's heartbeat, with the positions of a time of the feed; a client that has much unsent does
   * without it.
   */
  sendHeartbeat(frame: Payload | undefined, moves = 0): void {
    if (frame === undefined || this.delivery === undefined || !this.#transport.hasRoom) return
    this.write(frame)
    this.delivery.announced(moves)
  }

  /** Tells a slow client how far it is behind, while it can be told. */
  warnOfLag(nowMs: number): void {
    const message = describeLag(this.delivery?.lagAt(nowMs), this.#lagOptions)
    if (message !== undefined && this.#transport.hasRoom) this.send(message)
  }

  /** Ends a session that is behind and whose client has taken nothing for too long. */
  checkLag(nowMs: number): void {
    const detail = describeTimeout(this.delivery?.lagAt(nowMs), this.#lagOptions)
    if (detail !== undefined) this.#step('congested', { detail })
  }

  /** Warns a client whose token expires soon, and ends the session once it has expired. */
  checkExpiry(nowMs: number): void {
    const expiry = this.#authorization?.expiryAt(nowMs, this.#context.limits)
    if (expiry === 'expired') {
      this.#step('expired', { detail: 'the token has expired; reconnect with a fresh one' })
    } else if (expiry === 'expiring' && this.#authorization !== undefined) {
      const { expiresAtMs } = this.#authorization.grant
      this.send({ kind: 'expiring', expiresAtMs, inMs: Math.max(0, expiresAtMs - nowMs) })
    }
  }

  /** Tells the client when this node will close the connection, so that it can connect anew. */
  announceShutdown(reconnectInMs: number): void {
    if (this.#state === 'ended') return
    this.send({ kind: 'shutdown', reconnectInMs, positions: this.delivery?.announceMoved() })
  }

  /** Ends the session for a cause outside of it. */
  end(cause: SessionEndCause): void {
    const { event, detail } = sessionEnds[cause]
    this.#step(event, { detail })
  }

  write(frame: Payload): void {
    if (this.#state === 'ended' || this.#transport.write(frame) !== 'congested') return
    // A client that goes on asking, but does not read the answers.
    const { maxUnsentBytes } = this.#context.limits
    this.#step('congested', { detail: `more than ${maxUnsentBytes} bytes were unsent; reconnect` })
  }

  send(message: ServerMessage): void {
    const frame = this.form.message(message)
    if (frame !== undefined) this.write(frame)
  }

  acknowledged(): void {
    if (this.#state !== 'ended') this.#transport.opened()
  }

  sendError(fault: RequestFault): void {
    // The client cannot ask again.
    if (!this.#transport.traits.hasUpstream) return this.#step('rejected', fault)
    this.#context.counts.errors[fault.code]++
    this.send({ kind: 'error', fault })
    if (this.#authorization === undefined && ++this.#earlyFaults > maxEarlyFaults) {
      this.#step('noisy', { detail: `more than ${maxEarlyFaults} refused messages before authentication` })
    }
  }

  fail(error: unknown): void {
    this.#context.onFault(error)
    this.#step('failed', { detail: 'the message could not be handled; reconnect' })
  }

  refuseFlood(): void {
    const { messagesPerSecond } = this.#context.limits
    const rule = 'long messages and requests with long answers count several times'
    this.#step('flooded', { detail: `more than ${messagesPerSecond} messages a second; ${rule}` })
  }

  refuse(fault: Omit<RequestFault, 'code'>): void {
    this.#step('full', fault)
  }

  /** How many sessions of the feed and transport are in each state. */
  get #states(): Record<SessionState, number> {
    return this.#context.states[this.transportName]
  }

  get #lagOptions(): LagOptions {
    return { flowControl: this.#flowControl, slowTimeoutMs: this.#context.limits.slowTimeoutMs }
  }

  #missDeadline(): void {
    const { authTimeoutMs } = this.#context.limits
    this.#step('deadline', { detail: `no valid token within ${authTimeoutMs} ms of connecting` })
  }

  #settle(outcome: TokenOutcome, id: RequestId | undefined): void {
    if ('detail' in outcome) this.#step(outcome.kind, { detail: outcome.detail, cause: outcome.cause, id })
    else if (outcome.kind === 'renewed') this.#renew(outcome.grant, id)
    else if (this.#state === 'verifying') this.#begin(outcome, id)
    // The session ended while it waited for its slot.
    else outcome.release()
  }

  #begin(
    { grant, release }: Extract<TokenOutcome, { readonly kind: 'entered' }>,
    id: RequestId | undefined,
  ): void {
    this.#clearDeadline()
    const delivery = new Delivery(this.#context, { recipient: this, flowControl: this.#flowControl, grant })
    this.#authorization = new SessionAuthorization({ grant, release, delivery })
    this.#welcome(grant, id)
    // The session may have ended by what it was sent.
    if (this.state === 'live') this.requests.release(delivery)
  }

  /** A cleared timer still takes memory. */
  #clearDeadline(): void {
    clearTimeout(this.#deadline)
    this.#deadline = undefined
  }

  /** Goes on under another token of the same user: stops at once what that does not allow. */
  #renew(grant: Grant, id: RequestId | undefined): void {
    if (this.#state !== 'renewing' || this.#authorization === undefined) return
    this.#authorization.renew(grant)
    this.#context.counts.renewals++
    this.#welcome(grant, id)
    this.#authorization.delivery.entitle(grant)
    this.#rate.countAnswer(this.size)
  }

  #welcome(grant: Grant, id: RequestId | undefined): void {
    const { limits, clock, feed } = this.#context
    this.#step('granted', { detail: '' })
    this.send({ kind: 'authenticated', id, expiresAtMs: grant.expiresAtMs, limits, feed })
    this.checkExpiry(clock.wall())
  }

  /** Goes where the table says: tells the client, and closes. */
  #step(event: SessionEvent, { code: given, ...detail }: StepDetail): void {
    const from = this.#state
    const { to, error, close } = sessionSteps[from][event]
    this.#state = to
    this.#states[from]--
    this.#states[to]++
    const code = error === 'given' ? given : error
    const fault = code === undefined ? undefined : { code, ...detail }
    if (to === 'ended') {
      if (from !== 'ended') this.#close(close, fault)
    } else if (fault !== undefined) {
      this.sendError(fault)
    }
  }

  #close(close: CloseReason | undefined, fault: RequestFault | undefined): void {
    const { counts } = this.#context
    this.#clearDeadline()
    this.#authorization?.end()
    this.#states.ended--
    if (close === undefined) return
    counts.closes[this.transportName][close]++
    if (fault !== undefined) counts.errors[fault.code]++
    this.#transport.close(close, fault && { fault, payload: this.form.message({ kind: 'error', fault }) })
  }
}
