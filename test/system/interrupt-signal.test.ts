import { expect, test } from 'vitest'
import { InterruptSignal } from '../../src/system/interrupt-signal.ts'

function after(...timesMs: number[]): { stops: boolean; abandons: boolean } {
  const interrupt = new InterruptSignal()
  for (const timeMs of timesMs) interrupt.handle(timeMs)
  return { stops: interrupt.stopping.aborted, abandons: interrupt.abandoning.aborted }
}

test('the first signal stops, another abandons', () => {
  expect(after()).toEqual({ stops: false, abandons: false })
  expect(after(0)).toEqual({ stops: true, abandons: false })
  expect(after(0, 500)).toEqual({ stops: true, abandons: true })
})

// Cause: npm passes a signal on to its child, which has had it from the terminal. Symptom: one Ctrl-C was
// two, and publishing ended without its report. Seen: npm run publish in a terminal, npm 11.19.
test('the same signal, passed on by npm, is not another', () => {
  expect(after(1000, 1003, 1499)).toEqual({ stops: true, abandons: false })
})
