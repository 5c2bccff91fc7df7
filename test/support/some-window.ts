import type { WindowLimits } from '../../src/tape/segment-budget.ts'

/** Recent events enough for a test. */
export const someWindow: WindowLimits = { maxBytes: 16 * 1_048_576, maxAgeMs: 60_000 }
