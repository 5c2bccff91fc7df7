import { TickerError } from '../diagnostics/ticker-error.ts'
import type { CloseReason } from '../protocol/close-reason.ts'
import type { RequestFault } from '../protocol/request-fault.ts'
import type { Payload } from '../wire/payload.ts'
import { maxFrameBytes, type WireForm } from '../wire/wire-form.ts'

/**
 * What became of a payload. `taken`: it has left the process, and its memory may be used again. `written`: it
 * will be sent. `congested`: nothing was written.
 */
export type Written = 'taken' | 'written' | 'congested'

export const transportNames = ['websocket', 'sse'] as const
export type TransportName = (typeof transportNames)[number]

/** Creates one thing for each transport. */
export function perTransport<Thing>(create: () => Thing): Record<TransportName, Thing> {
  return { websocket: create(), sse: create() }
}

/** How the connections of a transport differ from those of the others. */
export interface TransportTraits {
  readonly name: TransportName
  /** The longest payload that it carries; `Infinity` where it carries any. */
  readonly maxMessageBytes: number
  /** Whether payloads arrive in the order in which they were written. */
  readonly isOrdered: boolean
  /** Whether the client can send messages; otherwise its session is begun for it. */
  readonly hasUpstream: boolean
}

/** The last payload of a session: the error that ends it. */
export interface Farewell {
  readonly fault: RequestFault
  /** The error, encoded; `undefined` if the dialect has no words for it. */
  readonly payload: Payload | undefined
}

/** All a session knows about the connection under it. */
export interface Transport {
  readonly traits: TransportTraits
  readonly form: WireForm
  /**
   * Writes a payload, unless more earlier bytes than `maxUnsentBytes` are unsent; the transport's own limit
   * if left out.
   */
  write(payload: Payload, maxUnsentBytes?: number): Written
  /** Whether the connection takes more at once; if not, the `onDrain` listener is called when it does. */
  readonly hasRoom: boolean
  onDrain(listener: () => void): void
  /** Since the connection began: payloads, and their bytes before compression, without headers. */
  readonly written: { readonly frames: number; readonly bytes: number }
  /** Bytes written that the connection has not taken yet. */
  readonly unsentBytes: number
  /** Changes with every byte that the connection takes, and with every answer of the peer to a ping. */
  readonly signsOfLife: number
  /** The session has acknowledged its first subscription. A response that waits for that begins now. */
  opened(): void
  /**
   * Sends what was written, then the farewell, however much is unsent, then the reason. Gives up on a peer
   * that does not take them.
   */
  close(reason: CloseReason, farewell?: Farewell): void
}

/** The messages of a transport are too short for the session's, or may arrive in another order. */
export class TransportUnfitError extends TickerError {
  readonly code = 'TICKER_TRANSPORT_UNFIT'
}

/** Throws a `TransportUnfitError` if a transport cannot carry sessions. */
export function requireFit({ name, maxMessageBytes, isOrdered }: TransportTraits): void {
  if (!isOrdered)
    throw new TransportUnfitError(
      `${name}: its messages may arrive in any order; sessions need them in order`,
    )
  if (maxMessageBytes < maxFrameBytes) {
    const rule = `sessions need ${maxFrameBytes}`
    throw new TransportUnfitError(`${name}: it carries messages of up to ${maxMessageBytes} bytes; ${rule}`)
  }
}
