import { expect, test } from 'vitest'
import { describeCount, describeDuration } from '../../src/commands/command-line.ts'

test('counts are written with their noun', () => {
  expect([0, 1, 1234].map(count => describeCount(count, 'line'))).toEqual([
    '0 lines',
    '1 line',
    '1,234 lines',
  ])
})

test.for([
  [0, '0.0 s'],
  [449, '0.4 s'],
  [9_949, '9.9 s'],
  [12_400, '12 s'],
  [59_700, '1 min 0 s'],
  [200_000, '3 min 20 s'],
  [7_500_000, '2 h 5 min'],
  [8_640_000_000, '2,400 h 0 min'],
] as const)('%i ms are %s', ([durationMs, text]) => {
  expect(describeDuration(durationMs)).toBe(text)
})
