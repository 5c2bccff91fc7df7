import type { ClientRequest } from '../protocol/client-message.ts'
import type { Delivery } from './delivery/delivery.ts'
import type { RequestFault } from '../protocol/error-message.ts'
import type { MessageRate } from './message-rate.ts'
import type { FlowControl } from './delivery/flow-control.ts'

export interface RequestHandlerParts {
  readonly rate: MessageRate
  readonly flowControl: FlowControl
  /** Tells the client of a request that cannot be met. */
  readonly refuse: (fault: RequestFault) => void
}

/** Answers the requests of one client, once there is something to deliver to it. */
export class RequestHandler {
  readonly #parts: RequestHandlerParts
  #held: ClientRequest | undefined

  constructor(parts: RequestHandlerParts) {
    this.#parts = parts
  }

  /** Keeps the one request that may come while the token is checked; false where there is one already. */
  hold(request: ClientRequest): boolean {
    if (this.#held !== undefined) return false
    this.#held = request
    return true
  }

  /** Answers what was held. */
  release(delivery: Delivery): void {
    const held = this.#held
    this.#held = undefined
    if (held !== undefined) this.answer(held, delivery)
  }

  answer(request: ClientRequest, delivery: Delivery): void {
    const { rate, flowControl, refuse } = this.#parts
    if (request.action === 'ack') {
      const outcome = flowControl.acknowledge(request.frames)
      // One that says something new costs the client nothing: there are no more of them than frames.
      if (outcome === 'further') rate.giveBack()
      else if (outcome !== 'repeated') refuse({ code: 400, detail: outcome.fault, id: request.id })
      return
    }
    const fault =
      request.action === 'unsubscribe' ? delivery.unsubscribe(request) : delivery.subscribe(request)
    if (fault !== undefined) refuse(fault)
    rate.answered(delivery.size)
  }
}
