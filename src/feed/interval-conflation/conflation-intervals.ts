/**
 * The intervals at which conflated events can be delivered: so few that subscribers with similar wishes share
 * their frames.
 */
export const conflationIntervalsMs = [
  100, 250, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 120_000,
] as const

export type ConflationIntervalMs = (typeof conflationIntervalsMs)[number]

/**
 * Returns the shortest interval that is at least as long as wished, or the longest; 0 (no conflation) for 0.
 */
export function conflationIntervalFor(wishMs: number): ConflationIntervalMs | 0 {
  if (wishMs <= 0) return 0
  return conflationIntervalsMs.find(intervalMs => intervalMs >= wishMs) ?? 120_000
}
