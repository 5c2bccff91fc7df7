import { setTimeout as pause } from 'node:timers/promises'
import type { Gateway } from './gateway.ts'

/**
 * What a stop may take beyond the time that sessions have to leave: a second for the last of them, and two to
 * release everything. With the default of `TICKER_DRAIN_MS` that makes 8 s, of the 10 s after which `docker
 * stop` kills.
 */
export const releaseMs = 3000

/**
 * Stops a gateway. Resolves with whether everything was released in time; the end of the process releases the
 * rest.
 */
export async function stopInTime(gateway: Pick<Gateway, 'stop'>, drainMs: number): Promise<boolean> {
  const timeout = new AbortController()
  const late = pause(drainMs + releaseMs, false, { signal: timeout.signal }).catch(() => false)
  try {
    return await Promise.race([gateway.stop().then(() => true), late])
  } finally {
    timeout.abort()
  }
}
