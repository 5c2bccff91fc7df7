/** How often conflating sessions may be told: few enough that those who ask for much the same share their frames. */
export const conflationIntervalsMs = [
  100, 250, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 120_000,
] as const

export type ConflationIntervalMs = (typeof conflationIntervalsMs)[number]

/** The longest interval there is. */
export const maxConflationIntervalMs = 120_000

/** The interval for a wish: the next longer one there is; 0, which is none, for 0. */
export function conflationIntervalFor(wishMs: number): ConflationIntervalMs | 0 {
  return wishMs <= 0
    ? 0
    : (conflationIntervalsMs.find(intervalMs => intervalMs >= wishMs) ?? maxConflationIntervalMs)
}
