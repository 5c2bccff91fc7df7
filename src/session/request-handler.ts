import type { AckCommand, ClientRequest } from '../protocol/command.ts'
import type { ClientMessage, Dialect } from '../protocol/dialect.ts'
import type { RequestFault, RequestId } from '../protocol/request-fault.ts'
import type { Delivery } from './delivery/delivery.ts'
import type { FlowControl } from './delivery/flow-control.ts'
import type { MessageRate } from './message-rate.ts'
import type { SessionState } from './session-steps.ts'

/** The session that requests come to. */
export interface RequestedSession {
  readonly dialect: Dialect
  readonly state: SessionState
  /** `undefined` before the client is authenticated. */
  readonly delivery: Delivery | undefined
  authenticate(token: string, id: RequestId | undefined): void
  /** Refuses a request that came before authentication. */
  refuseEarly(detail: string, id: RequestId | undefined): void
  /** Ends the session of a client that sends too much. */
  refuseFlood(): void
  sendError(fault: RequestFault): void
  /** Ends the session for a fault that is not its client's. */
  fail(error: unknown): void
}

export interface RequestHandlerOptions {
  readonly session: RequestedSession
  readonly rate: MessageRate
  readonly flowControl: FlowControl
}

/** Answers the messages of one client. */
export class RequestHandler {
  readonly #options: RequestHandlerOptions
  /** The one request that may come while the token is being checked. */
  #held: ClientRequest | undefined

  constructor(options: RequestHandlerOptions) {
    this.#options = options
  }

  /** Handles one message, text or binary. A fault thereby ends its session, never the node. */
  receive(message: ClientMessage): void {
    if (!this.#accept(message.length)) return
    try {
      this.#handle(message)
    } catch (error) {
      this.#options.session.fail(error)
    }
  }

  /** Counts a ping or a pong, which costs as much as a message. Returns whether the session goes on. */
  receiveControl(): boolean {
    return this.#accept(0)
  }

  #handle(message: ClientMessage): void {
    const { session } = this.#options
    const command = session.dialect.parse(message)
    if ('code' in command) session.sendError(command)
    else if (command.kind === 'auth') session.authenticate(command.token, command.id)
    else if (session.delivery === undefined) this.hold(command)
    else this.#answer(command, session.delivery)
  }

  /** Answers what was held. */
  release(delivery: Delivery): void {
    const held = this.#held
    this.#held = undefined
    if (held !== undefined) this.#answer(held, delivery)
  }

  /**
   * Keeps one request until the token is checked: a client whose token is in its handshake cannot know that
   * this takes time.
   */
  hold(request: ClientRequest): void {
    const { session } = this.#options
    const isVerifying = session.state === 'verifying'
    if (isVerifying && this.#held === undefined) {
      this.#held = request
      return
    }
    const which = isVerifying ? `a second request, ${request.kind},` : request.kind
    session.refuseEarly(`${which} before "authenticated"; authenticate first`, request.id)
  }

  /** Returns whether the client may have a message of this length handled; if not, the session ends. */
  #accept(bytes: number): boolean {
    const { session, rate } = this.#options
    if (session.state === 'ended') return false
    if (rate.accept(bytes)) return true
    session.refuseFlood()
    return false
  }

  #answer(request: ClientRequest, delivery: Delivery): void {
    if (request.kind === 'ack') return this.#acknowledge(request)
    const { session, rate } = this.#options
    const fault = request.kind === 'unsubscribe' ? delivery.unsubscribe(request) : delivery.subscribe(request)
    if (fault !== undefined) session.sendError(fault)
    rate.countAnswer(delivery.size)
  }

  #acknowledge({ frames, id }: AckCommand): void {
    const { session, rate, flowControl } = this.#options
    const outcome = flowControl.acknowledge(frames)
    // An acknowledgement that says something new costs the client nothing: there are no more of these than
    // frames.
    if (outcome === 'further') rate.refund()
    else if (outcome !== 'repeated') session.sendError({ code: 400, detail: outcome.fault, id })
  }
}
