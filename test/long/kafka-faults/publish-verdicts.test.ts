import { describe, expect, test } from 'vitest'
import { type Account, faultless, judge, linesTwice, readAccount } from './publish-account.ts'
import { faultlessPosts, judgePosts, type Posted } from './publish-posters.ts'
import type { TrueRecord } from './truth.ts'

describe('what the publish command said', () => {
  test('is read from its report', () => {
    const stdout = 'published 1,254 events in 31 s (40/s) to Kafka at 127.0.0.1:1\n  trades  1,254\n'
    const stderr = [
      '3,974 events NOT acknowledged, so perhaps published and perhaps not:',
      '  line 1255 (1 event)',
      '  lines 1265 to 5237 (3,973 events)',
      '2 events NOT published:',
      '  lines 1260 to 1261 (2 events)',
      'every line before 1255 is published; --from-line 1255 continues there, and …',
    ].join('\n')
    expect(readAccount({ exitCode: 1, fromLine: 1 }, { stdout, stderr })).toEqual({
      exitCode: 1,
      fromLine: 1,
      published: 1254,
      missingCount: 3976,
      absentCount: 2,
      missing: [
        { firstLine: 1255, lastLine: 1255, count: 1, isAbsent: false },
        { firstLine: 1260, lastLine: 1261, count: 2, isAbsent: true },
        { firstLine: 1265, lastLine: 5237, count: 3973, isAbsent: false },
      ],
      goOnFrom: 1255,
    })
  })

  // Of five lines it handed over four; nobody knows of the third.
  const first: Account = {
    exitCode: 1,
    fromLine: 1,
    published: 3,
    missingCount: 1,
    absentCount: 0,
    missing: [{ firstLine: 3, lastLine: 3, count: 1, isAbsent: false }],
    goOnFrom: 3,
  }
  const second: Account = {
    exitCode: 0,
    fromLine: 3,
    published: 3,
    missingCount: 0,
    absentCount: 0,
    missing: [],
    goOnFrom: undefined,
  }

  test('holds whether the uncertain line is there or not, and where the next run begins again', () => {
    expect(judge([first], records(1, 2, 4))).toEqual(faultless)
    expect(judge([first], records(1, 2, 3, 4))).toEqual(faultless)
    expect(judge([first, second], records(1, 2, 4, 3, 4, 5))).toEqual(faultless)
    expect(linesTwice(records(1, 2, 4, 3, 4, 5))).toBe(1)
  })

  test('does not hold where a line is lost, repeated, out of order, or was kept back', () => {
    expect(judge([first], records(1, 4))).toEqual({ ...faultless, lost: 1 })
    expect(judge([first], records(1, 2, 2, 4))).toEqual({ ...faultless, repeated: 1 })
    expect(judge([first], records(1, 2, 4, 5))).toEqual({ ...faultless, repeated: 1 })
    const sure = first.missing.map(stretch => ({ ...stretch, isAbsent: true }))
    expect(judge([{ ...first, missing: sure }], records(1, 2, 3, 4))).toEqual({ ...faultless, repeated: 1 })
    expect(judge([first], records(2, 1, 4))).toEqual({ ...faultless, disordered: 1 })
  })
})

describe('what was said of posted events', () => {
  const posted: readonly Posted[] = [
    { number: 1, outcome: { partition: 0, offset: 0 }, postedAtMs: 0, tries: 1 },
    { number: 2, outcome: 'unsent', postedAtMs: 0, tries: 1 },
    { number: 3, outcome: 'unconfirmed', postedAtMs: 0, tries: 1 },
    { number: 4, outcome: { partition: 0, offset: 1 }, postedAtMs: 0, tries: 1 },
  ]

  test('holds where the uncertain one is missing, or there once', () => {
    expect(judgePosts(posted, records(1, 4), posted)).toEqual(faultlessPosts)
    expect(judgePosts(posted, records(1, 4, 3), posted)).toEqual(faultlessPosts)
  })

  test('does not hold where one is misplaced, leaked, repeated or out of order', () => {
    expect(judgePosts(posted, records(1, 3, 4), posted)).toEqual({ ...faultlessPosts, misplaced: 1 })
    expect(judgePosts(posted, records(1, 4, 2), posted)).toEqual({ ...faultlessPosts, leaked: 1 })
    expect(judgePosts(posted, records(1, 4, 3, 3), posted)).toEqual({ ...faultlessPosts, repeated: 1 })
    expect(judgePosts(posted, records(4, 1), posted)).toEqual({
      ...faultlessPosts,
      misplaced: 2,
      disordered: 1,
    })
  })
})

/** Trades of one symbol in one partition, by their numbers. */
function records(...numbers: readonly number[]): TrueRecord[] {
  return numbers.map((number, offset) => ({ partition: 0, offset, number, symbol: 'AAPL' }))
}
