import { setTimeout as pause } from 'node:timers/promises'

const pollMs = 20

/**
 * Resolves when a condition holds that another process brings about, so that there is no event to wait for.
 * Rejects with `what` if it does not hold in time.
 */
export async function waitUntil(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 60_000,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadlineMs) throw new Error(`waited ${timeoutMs} ms for ${what}`)
    await pause(pollMs)
  }
}
