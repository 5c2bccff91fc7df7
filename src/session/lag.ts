import type { SlowMessage } from '../protocol/server-message.ts'
import type { Lag } from './catch-up/behind.ts'
import type { FlowControl } from './delivery/flow-control.ts'

/** What a client that is behind is told. */
export interface LagOptions {
  readonly flowControl: FlowControl
  /** How long it may take nothing. */
  readonly slowTimeoutMs: number
}

/** Returns how far a slow client is behind; `undefined` where it reads and acknowledges in time. */
export function describeLag(lag: Lag | undefined, options: LagOptions): SlowMessage | undefined {
  if (lag?.cause !== 'unsent' && lag?.cause !== 'unacknowledged') return undefined
  const { unsentBytes, unackedBytes } = options.flowControl
  const endsInMs = Math.max(0, options.slowTimeoutMs - lag.idleMs)
  return { kind: 'slow', behindMs: lag.ms, offsets: lag.offsets, unsentBytes, unackedBytes, endsInMs }
}

/** Returns why a client that has taken nothing for too long is not waited for; `undefined` where it is. */
export function describeTimeout(lag: Lag | undefined, options: LagOptions): string | undefined {
  const { flowControl, slowTimeoutMs } = options
  if (lag === undefined || lag.idleMs < slowTimeoutMs) return undefined
  const missing = flowControl.isAcknowledging ? 'acknowledged' : 'read'
  return `behind, and nothing was ${missing} for ${slowTimeoutMs} ms; reconnect with your cursor`
}
