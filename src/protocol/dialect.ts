import type { Command, SubscribeCommand } from './command.ts'
import type { RequestFault } from './request-fault.ts'
import type { ServerMessage, SnapshotFacts } from './server-message.ts'

/**
 * A message around a list that a wire form writes itself, entry by entry: encoded events, or the ranges of
 * coverage as `[number, from, to]`.
 */
export interface OpenMessage {
  /** The fields before the list; not empty. */
  readonly before: object
  /** The name of the list. */
  readonly list: string
  /** The fields after the list. */
  readonly after: object
}

/** A message as it came: text, or binary. */
export type ClientMessage = string | Uint8Array

/** How commands and server messages are spelled. Where a dialect has no words, the client is told nothing. */
export interface Dialect {
  /** Reads one message of a client. The fault's detail names the field, its value and the rule. */
  parse(message: ClientMessage): Command | RequestFault
  /** Reads a subscription that came as fields instead of a message, such as those of a query. */
  parseSubscription(fields: Readonly<Record<string, unknown>>): SubscribeCommand | RequestFault
  /** Returns a message as its encoders write it; fields that are `undefined` are left out. */
  spell(message: ServerMessage): object | undefined
  /** Returns a message whose list the wire form writes. */
  open(message: SnapshotFacts | { readonly kind: 'coverage' }): OpenMessage | undefined
}
