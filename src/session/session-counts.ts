import { type TokenFault, tokenFaults } from '../auth/token-error.ts'
import { type Channel, channels } from '../event/event.ts'
import { type CloseReason, closeReasons } from '../protocol/close-reason.ts'
import { type ErrorCode, errorCodes } from '../protocol/request-fault.ts'
import { type SessionState, sessionStates } from './session-steps.ts'
import { perTransport, type TransportName } from './transport.ts'
import { ListenerList } from '../system/listener-list.ts'

/** Counters of all sessions of this node, read when metrics are collected. */
export interface SessionCounts {
  /** Errors sent to clients since start, by code. */
  readonly errors: Record<ErrorCode, number>
  /** Tokens refused since start, by what was wrong with them. */
  readonly tokens: Record<TokenFault, number>
  /** Sessions that went on with a further token, since start. */
  renewals: number
  /** Connections closed by the gateway since start, by transport and reason. */
  readonly closes: Record<TransportName, Record<CloseReason, number>>
}

export function createSessionCounts(): SessionCounts {
  return {
    errors: zeroOf(errorCodes),
    tokens: zeroOf(tokenFaults),
    renewals: 0,
    closes: perTransport(() => zeroOf(closeReasons)),
  }
}

/** Creates the counts of a feed's sessions by transport and state. */
export function createStateCounts(): Record<TransportName, Record<SessionState, number>> {
  return perTransport(() => zeroOf(sessionStates))
}

function zeroOf<Name extends string | number>(names: readonly Name[]): Record<Name, number> {
  return Object.fromEntries(names.map(name => [name, 0])) as Record<Name, number>
}

/**
 * Why a reader is behind. `resume`: the client has brought a cursor. `unsent`: its connection takes nothing.
 * `unacknowledged`: the client does not acknowledge. `preparing`: its wire form needs the delta bases of many
 * items first. `forgotten`: the node has forgotten an item that was still to be delivered at an interval.
 */
export const behindCauses = ['resume', 'unsent', 'unacknowledged', 'preparing', 'forgotten'] as const
export type BehindCause = (typeof behindCauses)[number]

/** A reader that is live again: after how long, and how many lossless events. */
interface CaughtUp {
  readonly cause: BehindCause
  readonly ms: number
  readonly events: number
}

/** Lossless events delivered to readers that were behind, by where they were read. */
export interface CatchUpCounts {
  memory: number
  log: number
}

/** Counters of the readers of this node that are, or were, behind. */
export interface ReaderCounts {
  /** Readers that are behind now. */
  readonly behind: Record<BehindCause, number>
  /** How often a reader began to be behind, since start. */
  readonly begun: Record<BehindCause, number>
  /** Lossless events delivered to them since start. */
  readonly caughtUp: CatchUpCounts
  /** Events that were not delivered to them because newer ones replaced them, since start. */
  readonly replaced: Record<Channel, number>
  /** Offsets that clients were told are lost to them, since start. */
  lostOffsets: number
  /** Notified when a reader is live again. */
  readonly onCaughtUp: ListenerList<CaughtUp>
}

export function createReaderCounts(): ReaderCounts {
  return {
    behind: { resume: 0, unsent: 0, unacknowledged: 0, preparing: 0, forgotten: 0 },
    begun: { resume: 0, unsent: 0, unacknowledged: 0, preparing: 0, forgotten: 0 },
    caughtUp: { memory: 0, log: 0 },
    replaced: Object.fromEntries(channels.map(channel => [channel, 0])) as Record<Channel, number>,
    lostOffsets: 0,
    onCaughtUp: new ListenerList(),
  }
}
