import { setTimeout } from 'node:timers/promises'
import { embeddedLogError } from './embedded-log-error.ts'

const pauseMs = 2

export interface Patience {
  readonly path: string
  /** How long another process may keep the file locked. */
  readonly lockTimeoutMs: number
}

/**
 * Does something to the file, again and again while another process keeps it locked, without blocking the event
 * loop in between. Rejects with an EmbeddedLogError.
 */
export async function patiently<Result>(
  { path, lockTimeoutMs }: Patience,
  work: () => Result,
): Promise<Result> {
  const startedAt = performance.now()
  for (;;) {
    try {
      return work()
    } catch (thrown) {
      const error = embeddedLogError(path, thrown)
      if (error.fault !== 'locked' || performance.now() - startedAt > lockTimeoutMs) throw error
    }
    await setTimeout(pauseMs)
  }
}
