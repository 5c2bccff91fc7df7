import type { Grant } from '../auth/grant.ts'
import type { RequestId } from '../protocol/error-message.ts'
import type { FlowControl } from './delivery/flow-control.ts'
import type { Lag } from './catch-up/behind.ts'
import type { SessionLimits } from './session-context.ts'

/** What a client is told when its token was found good (`PROTOCOL.md` §4). */
export function welcomeMessage(grant: Grant, limits: SessionLimits, id: RequestId | undefined): object {
  return {
    T: 'success',
    msg: 'authenticated',
    ...(id === undefined ? {} : { id }),
    expiresAt: new Date(grant.expiresAtMs).toISOString(),
    heartbeatMs: limits.heartbeatMs,
    limits: {
      items: limits.maxItemsPerSession,
      messageBytes: limits.maxMessageBytes,
      messagesPerSecond: limits.messagesPerSecond,
      unsentBytes: limits.maxUnsentBytes,
      unackedBytes: limits.maxUnackedBytes,
      unackedMs: limits.maxUnackedMs,
    },
  }
}

/** What a client that is behind is told. */
export function slowMessage(
  { ms, offsets }: Lag,
  { flowControl, endsInMs }: { readonly flowControl: FlowControl; readonly endsInMs: number },
): object {
  const { unsentBytes, unackedBytes } = flowControl
  return {
    T: 'slow',
    behindMs: Math.round(ms),
    offsets,
    unsentBytes,
    unackedBytes,
    endsInMs: Math.round(endsInMs),
  }
}

/** What a client is told before its token expires. */
export function expiringMessage({ expiresAtMs }: Grant, nowMs: number): object {
  return {
    T: 'expiring',
    expiresAt: new Date(expiresAtMs).toISOString(),
    inMs: Math.max(0, expiresAtMs - nowMs),
  }
}
