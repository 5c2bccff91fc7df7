import { expect, test } from 'vitest'
import type { TrueRecord } from '../../long/kafka-faults/truth.ts'
import { type Account, flawless, judge } from './verdict.ts'

/** Six trades: the even numbers are of A in partition 0, the odd ones of B in partition 1. */
const truth: readonly TrueRecord[] = [0, 2, 4, 1, 3, 5].map(number => ({
  partition: number % 2,
  offset: Math.floor(number / 2),
  number,
  symbol: number % 2 === 0 ? 'A' : 'B',
}))

function account(change: Partial<Account> = {}): Account {
  return {
    symbols: ['*'],
    numbers: [0, 1, 2, 3, 5, 4],
    positions: [0, 1].map(partition => ({
      number: partition,
      topic: 'trades',
      partition,
      epoch: 'e',
      position: 3,
    })),
    faults: [],
    lost: [],
    recovered: [true, true],
    ...change,
  }
}

test('everything once, each symbol in its order, is without a flaw, and so is a watch list', () => {
  const some = account({ symbols: ['B'], numbers: [1, 3, 5] })
  expect(judge([account(), some], 'trades', truth)).toEqual(flawless)
})

test.each([
  ['a missing event', { numbers: [0, 1, 2, 3, 5] }, { lost: 1 }],
  ['an event that came again', { numbers: [0, 1, 2, 3, 5, 4, 4] }, { twice: 1 }],
  ['an event that Kafka does not have', { numbers: [0, 1, 2, 3, 5, 4, 9] }, { invented: 1 }],
  ['an event that was not asked for', { symbols: ['B'], numbers: [1, 3, 5, 4] }, { invented: 1 }],
  ['an event before an earlier one', { numbers: [0, 1, 4, 3, 5, 2] }, { disordered: 1 }],
  [
    'a gap by coverage',
    { faults: ['partition 0: from 2, but 1 was reached'] },
    { faults: [expect.any(String)] },
  ],
  ['what was reported as lost', { lost: [[0, 1, 2]] }, { reportedLost: 1 }],
  ['a resume that was not whole', { recovered: [true, false] }, { notRecovered: 1 }],
  ['what nothing says was read', { positions: [] }, { uncovered: 2 }],
])('%s is found', (_, change, found) => {
  expect(judge([account(), account(change)], 'trades', truth)).toEqual({ ...flawless, ...found })
})
