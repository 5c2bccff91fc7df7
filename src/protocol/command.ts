import type { Channel } from '../event/event.ts'
import type { Filter } from '../filter/filter.ts'
import type { CursorPosition } from './positions.ts'
import type { RequestId } from './request-fault.ts'

/** What a reader that does not keep up gets of a channel: every event, or the newest event of each item. */
export type Policy = 'every' | 'conflate'

/** Symbols, or `*`, by channel; never an empty list. */
export type RequestedItems = ReadonlyMap<Channel, readonly string[]>

/** Filters to be set, by channel; `null` removes the channel's filter. */
export type RequestedFilters = ReadonlyMap<Channel, Filter | null>

/** The longest interval that a client may ask for. */
export const maxConflateMs = 120_000

export interface AuthCommand {
  readonly kind: 'auth'
  readonly id?: RequestId | undefined
  readonly token: string
}

export interface SubscribeCommand {
  readonly kind: 'subscribe'
  readonly id?: RequestId | undefined
  readonly items: RequestedItems
  readonly policy: ReadonlyMap<Channel, Policy>
  readonly where: RequestedFilters
  readonly snapshot: boolean
  /**
   * The interval that the client wishes for the conflated channels of the request, in whole ms, at most
   * `maxConflateMs`; 0: at once; `undefined`: as before.
   */
  readonly conflateMs: number | undefined
  /** Where to go on; only in the first subscription of a session. */
  readonly cursor: readonly CursorPosition[] | undefined
}

export interface UnsubscribeCommand {
  readonly kind: 'unsubscribe'
  readonly id?: RequestId | undefined
  readonly items: RequestedItems
}

/** The client has handled the first `frames` frames of data of this connection. */
export interface AckCommand {
  readonly kind: 'ack'
  readonly id?: RequestId | undefined
  readonly frames: number
}

/** A command that a client may send once it is authenticated. */
export type ClientRequest = SubscribeCommand | UnsubscribeCommand | AckCommand

/** What a client says, whatever its dialect. */
export type Command = AuthCommand | ClientRequest
