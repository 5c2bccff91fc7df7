import { expect, test } from 'vitest'
import { fileDescriptorShortage, divideFileDescriptors } from '../../src/limits/file-descriptors.ts'

test.each([
  [80, 16, 8],
  [1024, 768, 32],
  [20_000, 19_488, 64],
  [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 64],
])(
  'of %d descriptors %d are for clients, and %d for each listener of operators',
  (limit, room, operatorRoom) => {
    expect(divideFileDescriptors(limit)).toEqual({ limit, room, operatorRoom })
  },
)

test('warns when there are fewer than the limits allow, and says what to do', () => {
  const descriptors = divideFileDescriptors(1024)
  const allowed = { maxSessions: 1000, maxHandshakes: 200, workers: 2 }
  expect(fileDescriptorShortage(descriptors, allowed)).toBe(undefined)
  expect(fileDescriptorShortage(descriptors, { ...allowed, workers: 1 })).toBe(
    'a process may have 1024 descriptors (ulimit -n), which leaves 768 for connections; TICKER_MAX_SESSIONS and TICKER_MAX_HANDSHAKES allow 1200: raise it, or lower them',
  )
})

test('this process has some', () => {
  expect(divideFileDescriptors().limit).toBeGreaterThan(64)
})
