import type { TickerError } from '../../ticker-error.ts'
import type { OutgoingMessage } from './broker-connection.ts'

/** What became of a message. */
export type SendResult = { readonly offset: number } | { readonly error: TickerError }

/** A message that waits to be sent, or for the answer. */
export interface WaitingMessage extends OutgoingMessage {
  /** On the clock of `performance.now()`: after it the message has failed. Later messages have later ones. */
  readonly deadlineMs: number
  /** To be called once. */
  readonly settle: (result: SendResult) => void
}

/** Gives all of them the same answer. */
export function settleAll(messages: readonly WaitingMessage[], result: SendResult): void {
  for (const { settle } of messages) settle(result)
}

/** Those whose time is over, and those behind them. */
export function splitAtDeadline(
  messages: readonly WaitingMessage[],
  nowMs: number,
): readonly [expired: readonly WaitingMessage[], open: readonly WaitingMessage[]] {
  const firstOpen = messages.findIndex(({ deadlineMs }) => deadlineMs > nowMs)
  const count = firstOpen === -1 ? messages.length : firstOpen
  return [messages.slice(0, count), messages.slice(count)]
}
