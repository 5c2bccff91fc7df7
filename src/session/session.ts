import type { Grant } from '../auth/grant.ts'
import { type ClientRequest, parseClientMessage } from '../protocol/client-message.ts'
import { type CloseReason, closeCodes } from '../protocol/close-code.ts'
import { type RequestFault, type RequestId, errorMessage } from '../protocol/error-message.ts'
import type { PreparedFrame } from '../wire/prepared-frame.ts'
import type { WireForm } from '../wire/wire-form.ts'
import { Delivery } from './delivery/delivery.ts'
import type { ReaderStateName } from './delivery/reader-steps.ts'
import { FlowControl } from './delivery/flow-control.ts'
import { MessageRate } from './message-rate.ts'
import { RequestHandler } from './request-handler.ts'
import { SessionAuthorization, type TokenOutcome, checkToken } from './session-authorization.ts'
import type { Recipient, SessionContext, SessionOrigin } from './session-context.ts'
import { type SessionFacts, identityOf } from './session-facts.ts'
import { expiringMessage, slowMessage, welcomeMessage } from './session-messages.ts'
import {
  type SessionEndCause,
  type SessionEvent,
  type SessionState,
  sessionEnds,
  sessionSteps,
} from './session-steps.ts'
import type { Transport } from './transport.ts'

/** A peer that is not authenticated cannot have itself answered for ever. */
const maxEarlyFaults = 16

/**
 * One client: who it is, what it subscribed to, and the connection under it. `PROTOCOL.md` decides what it
 * answers; `sessionSteps` what becomes of it.
 */
export class Session implements Recipient {
  readonly #parts: SessionContext
  readonly #transport: Transport
  readonly #origin: Pick<SessionOrigin, 'number' | 'address'>
  readonly #sinceMs: number
  readonly #rate: MessageRate
  readonly #flowControl: FlowControl
  readonly #requests: RequestHandler
  /** On the steady clock. */
  readonly #authDueMs: number
  #deadline: NodeJS.Timeout | undefined
  #state: SessionState = 'connected'
  #authorization: SessionAuthorization | undefined
  /** Requests refused before authentication. */
  #earlyFaults = 0

  constructor(parts: SessionContext, transport: Transport, origin: SessionOrigin) {
    const { limits, clock, counts } = parts
    this.#parts = parts
    this.#transport = transport
    this.#origin = { number: origin.number, address: origin.address }
    this.#sinceMs = clock.wall()
    this.#rate = new MessageRate(limits.messagesPerSecond, clock)
    this.#flowControl = new FlowControl({ transport, limits, clock })
    const refuse = (fault: RequestFault): void => this.tell(fault)
    this.#requests = new RequestHandler({ rate: this.#rate, flowControl: this.#flowControl, refuse })
    const leftMs = Math.max(0, limits.authTimeoutMs - origin.ageMs)
    this.#authDueMs = clock.steady() + leftMs
    this.#deadline = setTimeout(() => this.#tokenIsLate(), leftMs)
    counts.states.connected++
    this.send({ T: 'success', msg: 'connected' })
  }

  /** Unique in this process. */
  get number(): number {
    return this.#origin.number
  }

  get form(): WireForm {
    return this.#transport.form
  }

  get state(): SessionState {
    return this.#state
  }

  /** The user, once the token was verified. */
  get subject(): string | undefined {
    return this.#authorization?.grant.subject
  }

  /** How many items are subscribed. */
  get size(): number {
    return this.#authorization?.delivery.size ?? 0
  }

  /** What its reader does; `undefined` before it is live. */
  get readerState(): ReaderStateName | undefined {
    return this.#authorization?.delivery.readerState
  }

  /** Whether it is where the feed is, not catching up. */
  get isLevel(): boolean {
    return this.#authorization?.delivery.isLive ?? true
  }

  /** Written, but not taken by the connection. */
  get unsentBytes(): number {
    return this.#transport.unsentBytes
  }

  /** What there is to know of it now. */
  get facts(): SessionFacts {
    return {
      ...this.#origin,
      state: this.#state,
      ...identityOf(this.#authorization?.grant),
      form: this.form.subprotocol,
      sinceMs: this.#sinceMs,
      ...(this.#rate.lastMs === undefined ? {} : { lastMessageMs: this.#rate.lastMs }),
      items: this.size,
      unsentBytes: this.unsentBytes,
      ...this.#transport.written,
    }
  }

  /** Takes one message of the client. Whatever goes wrong with it ends this session, never the node. */
  receive(text: string): void {
    if (!this.#isAllowed(text.length)) return
    try {
      this.#take(text)
    } catch (error) {
      this.fail(error)
    }
  }

  /** A binary message, which this form does not have. */
  receiveBinary(bytes: number): void {
    if (!this.#isAllowed(bytes)) return
    this.tell({ code: 400, detail: 'a binary message; expected JSON in a text message' })
  }

  /** A ping or a pong, which costs as much as a message; whether the session goes on. */
  receiveControl(): boolean {
    return this.#isAllowed(0)
  }

  #take(text: string): void {
    const message = parseClientMessage(text)
    if ('code' in message) {
      this.tell(message)
    } else if (message.action === 'auth') {
      this.authenticate(message.token, message.id)
    } else if (this.#authorization === undefined) {
      this.#hold(message)
    } else {
      this.#requests.answer(message, this.#authorization.delivery)
    }
  }

  /** A client whose token is in its handshake cannot know yet that it is being checked. */
  #hold(request: ClientRequest): void {
    if (this.#state === 'verifying' && this.#requests.hold(request)) return
    const which = this.#state === 'verifying' ? `a second request, ${request.action},` : request.action
    this.#step('request', { detail: `${which} before "authenticated"; authenticate first`, id: request.id })
  }

  /**
   * Begins the check of a token, from a message or from the handshake's `Authorization` header: the first, or one that the
   * session is to go on under.
   */
  authenticate(token: string, id?: RequestId): void {
    const from = this.#state
    this.#step('auth', { detail: 'a further "auth" while a token is being checked', id })
    if (from !== 'connected' && from !== 'live') return
    const former = this.#authorization?.grant
    checkToken(this.#parts, { token, former, dueMs: this.#authDueMs })
      .then(outcome => this.#settle(outcome, id))
      .catch((error: unknown) => this.fail(error))
  }

  /** Tells of an `Authorization` header that has no token, perhaps a proxy's own; a token may still come in a message. */
  refuseAuthorization(fault: string): void {
    this.#step('request', { detail: `${fault}; a token may still come in an "auth" message` })
  }

  /** Takes a prepared message for everyone. Who is told of a partition that begins anew knows first what it did not get of it. */
  announce(block: PreparedFrame): void {
    if (this.#authorization === undefined) return
    this.#authorization.delivery.noticePartitions()
    this.write(block)
  }

  /** Up to which of the feed's moves its client was told of positions; `Infinity` before it subscribed. */
  get announcedMoves(): number {
    return this.#authorization?.delivery.announcedMoves ?? Number.POSITIVE_INFINITY
  }

  /** Takes a prepared heartbeat, which tells of positions up to some of the feed's moves; who has much unsent does without it. */
  notify(block: PreparedFrame, moves = 0): void {
    if (this.#authorization === undefined || !this.#transport.hasRoom) return
    this.write(block)
    this.#authorization.delivery.announced(moves)
  }

  /** Tells a client that is behind how far, while it can be told. */
  warnOfLag(nowMs: number): void {
    const lag = this.#authorization?.delivery.lagAt(nowMs)
    const isSlow = lag?.cause === 'unsent' || lag?.cause === 'unacknowledged'
    if (lag === undefined || !isSlow || !this.#transport.hasRoom) return
    const { slowTimeoutMs } = this.#parts.limits
    this.send(
      slowMessage(lag, { flowControl: this.#flowControl, endsInMs: Math.max(0, slowTimeoutMs - lag.idleMs) }),
    )
  }

  /** Ends a session that is behind and has not taken anything for too long. */
  lookAtLag(nowMs: number): void {
    const { slowTimeoutMs } = this.#parts.limits
    const lag = this.#authorization?.delivery.lagAt(nowMs)
    if (lag === undefined || lag.idleMs < slowTimeoutMs) return
    this.#step('congested', {
      detail: `behind, and nothing was ${this.#flowControl.isAcknowledging ? 'acknowledged' : 'read'} for ${slowTimeoutMs} ms; reconnect with your cursor`,
    })
  }

  /** Warns a client whose token expires soon, and ends the session whose token's time is over. */
  lookAtExpiry(nowMs: number): void {
    const expiry = this.#authorization?.expiryAt(nowMs, this.#parts.limits)
    if (expiry === 'expired') {
      this.#step('expired', { detail: 'the token has expired; reconnect with a fresh one' })
    } else if (expiry === 'expiring' && this.#authorization !== undefined) {
      this.send(expiringMessage(this.#authorization.grant, nowMs))
    }
  }

  /** Whether it is live under a token that was withdrawn. */
  get isRevoked(): boolean {
    if (this.#state === 'ended' || this.#authorization === undefined) return false
    return this.#parts.isRevoked(this.#authorization.grant)
  }

  /** Tells the client when this node will close the connection, so that it can connect anew. */
  announceShutdown(reconnectInMs: number): void {
    if (this.#state === 'ended') return
    this.send({ T: 'shutdown', reconnectInMs, positions: this.#authorization?.delivery.announceMoved() })
  }

  /** Ends it for what is not its client's doing, or not known to be. */
  end(cause: SessionEndCause): void {
    const { event, detail } = sessionEnds[cause]
    this.#step(event, { detail })
  }

  /** A client that does not read what it is told, though it asks on, is ended. */
  write(block: PreparedFrame): void {
    if (this.#state === 'ended' || this.#transport.write(block) !== 'congested') return
    const { maxUnsentBytes } = this.#parts.limits
    this.#step('congested', { detail: `more than ${maxUnsentBytes} bytes were unsent; reconnect` })
  }

  /** Tells the client something; it may end thereby. */
  send(message: object): void {
    this.write(this.#transport.form.message(message))
  }

  /** Ends it by a fault that is not its client's. */
  fail(error: unknown): void {
    this.#parts.onFault(error)
    this.#step('failed', { detail: 'the message could not be handled; reconnect' })
  }

  /** Ends it, for which there is no place. */
  refuse(fault: Omit<RequestFault, 'code'>): void {
    this.#step('full', fault)
  }

  /** Whether the client may have something of this length taken; if not, the session ends. */
  #isAllowed(bytes: number): boolean {
    if (this.#state === 'ended') return false
    if (this.#rate.take(bytes)) return true
    const { messagesPerSecond } = this.#parts.limits
    this.#step('flooded', {
      detail: `more than ${messagesPerSecond} messages a second; a long one counts more often, and one with a long answer`,
    })
    return false
  }

  #tokenIsLate(): void {
    const { authTimeoutMs } = this.#parts.limits
    this.#step('deadline', { detail: `no valid token within ${authTimeoutMs} ms of connecting` })
  }

  #settle(outcome: TokenOutcome, id: RequestId | undefined): void {
    if ('detail' in outcome) {
      this.#step(outcome.kind, { detail: outcome.detail, id })
    } else if (outcome.kind === 'renewed') {
      this.#renew(outcome.grant, id)
    } else if (this.#state === 'verifying') {
      this.#endDeadline()
      const { grant, release } = outcome
      const delivery = new Delivery(this.#parts, { recipient: this, flowControl: this.#flowControl, grant })
      this.#authorization = new SessionAuthorization({ grant, release, delivery })
      this.#welcome(grant, id)
      // It may have ended thereby.
      if (this.state === 'live') this.#requests.release(delivery)
    } else {
      // It ended while it waited for its place.
      outcome.release()
    }
  }

  /** A timer that has been cleared is not small. */
  #endDeadline(): void {
    clearTimeout(this.#deadline)
    this.#deadline = undefined
  }

  /** Goes on under another token of the same user: what the former one alone entitled to is left at once. */
  #renew(grant: Grant, id: RequestId | undefined): void {
    if (this.#state !== 'renewing' || this.#authorization === undefined) return
    this.#authorization.renew(grant)
    this.#parts.counts.renewals++
    this.#welcome(grant, id)
    this.#authorization.delivery.entitle(grant)
    this.#rate.answered(this.size)
  }

  #welcome(grant: Grant, id: RequestId | undefined): void {
    const { limits, clock } = this.#parts
    this.#step('granted', { detail: '' })
    this.send(welcomeMessage(grant, limits, id))
    this.lookAtExpiry(clock.wall())
  }

  /** Goes where the table says: tells the client, and closes. */
  #step(event: SessionEvent, fault: Omit<RequestFault, 'code'>): void {
    const from = this.#state
    const { to, error, close } = sessionSteps[from][event]
    this.#state = to
    this.#parts.counts.states[from]--
    this.#parts.counts.states[to]++
    const told = error === undefined ? undefined : { code: error, ...fault }
    if (to === 'ended') {
      if (from !== 'ended') this.#close(close, told)
    } else if (told !== undefined) {
      this.tell(told)
    }
  }

  #close(close: CloseReason | undefined, told: RequestFault | undefined): void {
    const { counts } = this.#parts
    this.#endDeadline()
    this.#authorization?.end()
    counts.states.ended--
    if (close === undefined) return
    counts.closes[close]++
    if (told !== undefined) counts.errors[told.code]++
    this.#transport.close(closeCodes[close], told && this.#transport.form.message(errorMessage(told)))
  }

  /** Tells the client what was wrong with a request of its. */
  tell(fault: RequestFault): void {
    this.#parts.counts.errors[fault.code]++
    this.send(errorMessage(fault))
    if (this.#authorization === undefined && ++this.#earlyFaults > maxEarlyFaults) {
      this.#step('noisy', { detail: `more than ${maxEarlyFaults} refused messages before authentication` })
    }
  }
}
