import { expect, test } from 'vitest'
import { StreamPositions } from '../../../src/commands/tail/stream-positions.ts'
import type { NumberedPosition } from '../../../src/feed/feed.ts'
import { parseCursor, runsOf } from '../../../src/protocol/ticker-v1/partition-runs.ts'
import { defaults } from '../../support/defaults.ts'

const epoch = 'Vx0wTQ3fSdyH5cK1bq8zGw'
const at = (
  partition: number,
  changes: Partial<NumberedPosition> & { topic?: string } = {},
): NumberedPosition => {
  const { topic = 'market.trades', ...more } = changes
  const offset = 1_000_000 + partition
  return { partition: { topic, partition }, epoch, offset, stable: offset, number: partition, ...more }
}

// Cause: a cursor had an object for each partition, with its topic, epoch and number.
// Symptom: above some 750 partitions it was longer than a message may be; the connection ended in 1009, and
// the next one again.
// Seen: a review resumed over 800 partitions.
test('a cursor of 5,000 partitions fits in a message, however far they are', () => {
  const topics = ['market.trades', 'market.quotes', 'market.bars', 'market.statuses', 'market.news']
  const positions = topics.flatMap((topic, of) =>
    Array.from({ length: 1000 }, (_, partition) =>
      at(partition, { topic, number: of * 1000 + partition, offset: Number.MAX_SAFE_INTEGER - partition }),
    ),
  )
  const client = new StreamPositions()
  client.record({ T: 'subscription', partitions: runsOf(positions) })
  const { cursor } = client.cursor
  const request = { action: 'subscribe', trades: ['*'], quotes: ['*'], cursor }
  expect(JSON.stringify(request).length).toBeLessThan(defaults.limits.maxMessageBytes)
  expect(parseCursor(cursor)).toEqual({
    positions: positions.map(({ partition, offset }) => ({ ...partition, epoch, position: offset })),
  })
})

test('partitions are one run as long as they and their numbers follow each other', () => {
  const positions = [
    at(0),
    at(1),
    at(3, { number: 2 }),
    at(4, { number: 7 }),
    at(5, { number: 8, epoch: 'other' }),
  ]
  expect(
    runsOf(positions).map(({ partition, number, positions: texts }) => [partition, number, texts]),
  ).toEqual([
    [0, 0, 'lfls,lflt'],
    [3, 2, 'lflv'],
    [4, 7, 'lflw'],
    [5, 8, 'lflx'],
  ])
})

const run = (partition: number, positions: string, of = epoch): object => ({
  topic: 'market.trades',
  epoch: of,
  partition,
  positions,
})

test.each([
  [
    'a partition that is there twice',
    [run(0, '1,2'), run(1, '3')],
    [
      [0, 1],
      [1, 3],
    ],
  ],
  [
    'a partition with two epochs',
    [run(0, '1,2', 'former'), run(0, '3')],
    [
      [0, 3],
      [1, 2],
    ],
  ],
  ['positions that are left out', [run(0, ',,5')], [[2, 5]]],
  ['a run without its first partition', [{ topic: 'market.trades', epoch, positions: 'z' }], [[0, 35]]],
  ['no run', [], []],
])('what comes later in a cursor holds: %s', (_, partitions, expected) => {
  const result = parseCursor({ version: 1, partitions })
  if ('fault' in result) throw new Error(result.fault)
  expect(result.positions.map(({ partition, position }) => [partition, position])).toEqual(expected)
})

test.each([
  ['no array', 7],
  ['a position that is none', [run(0, '1,-2')]],
  ['a position beyond 2^53', [run(0, 'zzzzzzzzzzz')]],
  ['no text of positions', [{ ...run(0, ''), positions: [1] }]],
  ['a negative partition', [run(-1, '1')]],
  ['more partitions than any node has', [run(0, '1,'.repeat(10_001))]],
])('a cursor with %s is refused', (_, partitions) => {
  expect(parseCursor({ version: 1, partitions })).toEqual({ fault: expect.stringMatching(/^partitions/) })
})

test.each([
  [7, 'expected an object such as {"version":1,"partitions":[…]}'],
  [{ partitions: [] }, 'version: expected 1'],
  [{ version: 1 }, 'partitions: expected an array, as acknowledged'],
  [
    { version: 1, partitions: [run(0, '1'), { ...run(1, '1'), epoch: '' }] },
    'partitions[1]: expected {"topic","epoch","partition","positions"} as acknowledged',
  ],
])('the fault of the cursor %j names the part that is wrong', (cursor, fault) => {
  expect(parseCursor(cursor)).toEqual({ fault })
})

test('a client is where its acknowledgements, coverage and heartbeats have brought it', () => {
  const client = new StreamPositions()
  expect(client.cursor).toEqual({})
  client.record({ T: 'subscription', partitions: runsOf([at(0), at(1)]) })
  client.record({
    T: 'partitions',
    partitions: runsOf([at(1, { number: 2, offset: 10 }), at(3, { number: 3 })]),
  })
  client.record({ T: 'coverage', ranges: [[0, 1_000_000, 1_000_050]] })
  client.record({
    T: 'heartbeat',
    positions: [
      [2, 12],
      [0, 5],
      [99, 1],
    ],
  })
  client.record({ T: 'subscription', positions: [[3, 1_000_004]] })
  expect(client.cursor).toEqual({
    cursor: { version: 1, partitions: [{ topic: 'market.trades', epoch, positions: 'lfn6,c,,lflw' }] },
  })
})

// Cause: a topic's last epoch was taken for that of all of its partitions.
// Symptom: a connection that broke while a topic was recreated resumed with `recovered: true`, though the
// rest of the former one was missing.
// Seen: by the property of readers.
test('a partition that was not listed again keeps its former epoch', () => {
  const client = new StreamPositions()
  client.record({ T: 'subscription', partitions: runsOf([at(0), at(1)]) })
  client.record({ T: 'partitions', partitions: runsOf([at(0, { number: 2, epoch: 'new', offset: 7 })]) })
  const { cursor } = client.cursor
  expect(parseCursor(cursor)).toEqual({
    positions: [
      { topic: 'market.trades', partition: 1, epoch, position: 1_000_001 },
      { topic: 'market.trades', partition: 0, epoch: 'new', position: 7 },
    ],
  })
})
