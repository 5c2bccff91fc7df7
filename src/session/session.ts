import { type Grant, lackForFeed } from '../auth/grant.ts'
import { TokenError } from '../auth/token-error.ts'
import type { Audience, Subscriber } from '../fanout/audience.ts'
import type { Block } from '../wire/block.ts'
import { parseClientMessage, type SubscribeMessage, type UnsubscribeMessage } from './client-message.ts'
import { type CloseReason, closeCodes } from './close-code.ts'
import { errorMessage, type RequestFault, type RequestId } from './error-message.ts'
import { SnapshotSender } from './snapshot-sender.ts'
import type { SessionParts } from './session-parts.ts'
import { type SessionEvent, type SessionState, steps } from './session-steps.ts'
import { firstUnentitled, resolve, Subscription } from './subscription.ts'
import type { Transport } from './transport.ts'

/** A peer that is not authenticated cannot have itself answered for ever. */
const maxEarlyFaults = 16

/**
 * One client: who it is, what it subscribed to, and the connection under it. `PROTOCOL.md` decides what it
 * answers; `sessionSteps` what becomes of it.
 */
export class Session implements Subscriber {
  readonly #parts: SessionParts
  readonly #transport: Transport
  #state: SessionState = 'connected'
  #grant: Grant | undefined
  #subscription = Subscription.none
  #audience: Audience | undefined
  /** Requests refused before authentication. */
  #earlyFaults = 0
  readonly #deadline: NodeJS.Timeout
  readonly #snapshots: SnapshotSender

  constructor(parts: SessionParts, transport: Transport) {
    this.#parts = parts
    this.#transport = transport
    this.#snapshots = new SnapshotSender(transport, block => this.deliver(block))
    this.#deadline = setTimeout(() => this.#tokenIsLate(), parts.limits.authTimeoutMs)
    parts.counts.states.connected++
    this.#send({ T: 'success', msg: 'connected' })
  }

  get state(): SessionState {
    return this.#state
  }

  /** The user, once the token was verified. */
  get subject(): string | undefined {
    return this.#grant?.subject
  }

  /** How many items are subscribed. */
  get size(): number {
    return this.#subscription.size
  }

  /** Takes one message of the client. Whatever goes wrong with it ends this session, never the node. */
  receive(text: string): void {
    if (this.#state === 'ended') return
    try {
      this.#take(text)
    } catch (error) {
      this.#parts.onFault(error)
      this.#step('failed', { detail: 'the message could not be handled; reconnect' })
    }
  }

  #take(text: string): void {
    const message = parseClientMessage(text)
    if ('code' in message) {
      this.#tell(message)
    } else if (message.action === 'auth') {
      this.authenticate(message.token, message.id)
    } else if (this.#grant === undefined || this.#state !== 'live') {
      this.#step('request', {
        detail: `${message.action} before "authenticated"; authenticate first`,
        id: message.id,
      })
    } else if (message.action === 'subscribe') {
      this.#subscribe(message, this.#grant)
    } else {
      this.#unsubscribe(message, this.#grant)
    }
  }

  /** A binary message, which this form does not have. */
  receiveBinary(): void {
    this.#tell({ code: 400, detail: 'a binary message; expected JSON in a text message' })
  }

  /** Begins the check of a token, from a message or from the handshake's `Authorization` header. */
  authenticate(token: string, id?: RequestId): void {
    const wasConnected = this.#state === 'connected'
    this.#step('auth', { detail: `a second "auth" while ${this.#state}`, id })
    if (!wasConnected) return
    this.#parts.verify(token).then(
      grant => this.#verified(grant, id),
      (error: unknown) => this.#refused(error, id),
    )
  }

  /** Takes one prepared block. */
  deliver(block: Block): void {
    if (this.#state === 'live') this.#write(block)
  }

  /** Ends the session once its token's time is over. */
  expireAt(nowMs: number): void {
    if (this.#grant === undefined || nowMs < this.#grant.expiresAtMs) return
    this.#step('expired', { detail: 'the token has expired; reconnect with a fresh one' })
  }

  /** Tells the client when this node will close the connection, so that it can connect anew. */
  announceShutdown(reconnectInMs: number): void {
    if (this.#state !== 'ended') this.#send({ T: 'shutdown', reconnectInMs })
  }

  drain(): void {
    this.#step('drained', { detail: '' })
  }

  /** The peer has not answered a ping. */
  giveUp(): void {
    this.#step('silent', { detail: '' })
  }

  /** The connection is gone, whoever ended it. */
  gone(): void {
    this.#step('gone', { detail: '' })
  }

  #tokenIsLate(): void {
    const { authTimeoutMs } = this.#parts.limits
    this.#step('deadline', { detail: `no valid token within ${authTimeoutMs} ms of connecting` })
  }

  #verified(grant: Grant, id: RequestId | undefined): void {
    if (this.#state !== 'verifying') return
    const lacks = lackForFeed(grant, 'live')
    if (lacks !== undefined) {
      this.#step('refused', { detail: lacks, id })
    } else if (this.#parts.admit(this)) {
      clearTimeout(this.#deadline)
      this.#grant = grant
      this.#step('granted', { detail: '' })
      this.#send(this.#welcome(grant, id))
    } else {
      this.#step('full', {
        detail: `this node has all of its ${this.#parts.limits.maxSessions} sessions; reconnect later`,
        id,
      })
    }
  }

  #refused(error: unknown, id: RequestId | undefined): void {
    if (error instanceof TokenError) this.#parts.counts.tokens[error.reason]++
    if (error instanceof TokenError && error.reason !== 'unavailable') {
      this.#step('refused', { detail: `the token was refused: ${error.reason}`, id })
    } else {
      this.#step('failed', { detail: 'the token could not be checked; reconnect', id })
    }
  }

  #welcome(grant: Grant, id: RequestId | undefined): object {
    const { maxItemsPerSession, maxMessageBytes, maxUnsentBytes, heartbeatMs } = this.#parts.limits
    return {
      T: 'success',
      msg: 'authenticated',
      ...(id === undefined ? {} : { id }),
      expiresAt: new Date(grant.expiresAtMs).toISOString(),
      heartbeatMs,
      limits: { items: maxItemsPerSession, messageBytes: maxMessageBytes, unsentBytes: maxUnsentBytes },
    }
  }

  #subscribe(request: SubscribeMessage, grant: Grant): void {
    const item = firstUnentitled(request.items, grant)
    if (item !== undefined) {
      this.#tell({
        code: 409,
        detail: `${item}: the token does not entitle to it; nothing of the request was subscribed`,
        id: request.id,
      })
      return
    }
    const wanted = this.#subscription.with(request)
    const { maxItemsPerSession } = this.#parts.limits
    if (wanted.size > maxItemsPerSession) {
      this.#tell({
        code: 405,
        detail: `${wanted.size} items; at most ${maxItemsPerSession} a session; nothing of the request was subscribed`,
        id: request.id,
      })
      return
    }
    if (request.snapshot && this.#snapshots.isFull) {
      this.#tell({
        code: 400,
        detail: 'too many snapshots are on their way; wait for one to be complete',
        id: request.id,
      })
      return
    }
    this.#replace(wanted, grant, request.id)
    if (request.snapshot) this.#sendSnapshot(request, grant)
  }

  #unsubscribe(request: UnsubscribeMessage, grant: Grant): void {
    this.#replace(this.#subscription.without(request.items), grant, request.id)
  }

  /** Acknowledges and changes audiences between two batches, so that the positions told are exact. */
  #replace(subscription: Subscription, grant: Grant, id: RequestId | undefined): void {
    const { feed } = this.#parts
    this.#subscription = subscription
    this.#send({
      T: 'subscription',
      ...(id === undefined ? {} : { id }),
      ...subscription.describe(),
      partitions: feed.positions().map(({ partition, epoch, offset }) => ({
        topic: partition.topic,
        partition: partition.partition,
        epoch,
        position: offset,
      })),
    })
    if (this.#state !== 'live') return
    const former = this.#audience
    const interest = subscription.interest(grant)
    this.#audience = interest.size > 0 ? feed.fanout.join(this, interest, this.#transport.form) : undefined
    if (former !== undefined && former !== this.#audience) feed.fanout.leave(this, former)
  }

  #sendSnapshot(request: SubscribeMessage, grant: Grant): void {
    const { lookedBackToMs } = this.#parts.feed
    const head = {
      T: 'snapshot',
      ...(request.id === undefined ? {} : { id: request.id }),
      ...(lookedBackToMs === undefined ? {} : { since: new Date(lookedBackToMs).toISOString() }),
    }
    this.#snapshots.add(this.#transport.form.snapshot(head, this.#currentEvents(request, grant)))
  }

  *#currentEvents({ items }: SubscribeMessage, grant: Grant): Generator<Buffer, void> {
    for (const [channel, names] of items) {
      yield* this.#parts.feed.tape.snapshot(channel, resolve(new Set(names), grant))
    }
  }

  #leaveAudience(): void {
    if (this.#audience !== undefined) this.#parts.feed.fanout.leave(this, this.#audience)
    this.#audience = undefined
  }

  /** Goes where the table says: tells the client, and closes. */
  #step(event: SessionEvent, fault: Omit<RequestFault, 'code'>): void {
    const from = this.#state
    const { to, error, close } = steps[from][event]
    this.#state = to
    this.#parts.counts.states[from]--
    this.#parts.counts.states[to]++
    const told = error === undefined ? undefined : { code: error, ...fault }
    if (to === 'ended') {
      if (from !== 'ended') this.#end(close, told)
    } else if (told !== undefined) {
      this.#tell(told)
    }
  }

  #end(close: CloseReason | undefined, told: RequestFault | undefined): void {
    const { counts } = this.#parts
    clearTimeout(this.#deadline)
    this.#leaveAudience()
    this.#snapshots.end()
    counts.states.ended--
    if (close === undefined) return
    counts.closes[close]++
    if (told !== undefined) counts.errors[told.code]++
    this.#transport.close(closeCodes[close], told && this.#transport.form.message(errorMessage(told)))
  }

  #tell(fault: RequestFault): void {
    this.#parts.counts.errors[fault.code]++
    this.#send(errorMessage(fault))
    if (this.#grant === undefined && ++this.#earlyFaults > maxEarlyFaults) {
      this.#step('noisy', { detail: `more than ${maxEarlyFaults} refused messages before authentication` })
    }
  }

  #send(message: object): void {
    this.#write(this.#transport.form.message(message))
  }

  /** A client too far behind, with answers or with events, is told so and ended. */
  #write(block: Block): void {
    if (this.#state === 'ended' || this.#transport.write(block) === 'written') return
    const { maxUnsentBytes } = this.#parts.limits
    this.#step('congested', { detail: `more than ${maxUnsentBytes} bytes were unsent; reconnect` })
  }
}
