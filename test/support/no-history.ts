import type { History } from '../../src/history/history.ts'

/** A log that has nothing. */
export const noHistory: History = {
  readableRange: () => Promise.resolve({ first: 0, recent: 0, stable: 0 }),
  end: () => Promise.resolve(0),
  async *read() {},
}
