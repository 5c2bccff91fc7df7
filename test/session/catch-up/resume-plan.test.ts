import { expect, test } from 'vitest'
import type { Feed } from '../../../src/feed/feed.ts'
import type { CursorPosition } from '../../../src/protocol/positions.ts'
import { planResume, type ResumePlan, unknownTopicFault } from '../../../src/session/catch-up/resume-plan.ts'
import { MemoryHistory, MemoryLog } from '../../support/memory-log.ts'
import { createTestFeed } from '../../support/defaults.ts'
import { createGrant } from '../../support/defaults.ts'

const topic = 'market'

/**
 * A node that has read a topic of two partitions, with so many records in each, and keeps none of them in
 * memory.
 */
function nodeWith(records: number): { readonly log: MemoryLog; readonly feed: Feed } {
  const log = new MemoryLog([
    { topic, partition: 0 },
    { topic, partition: 1 },
  ])
  const feed = createTestFeed()
  for (const partition of log.partitions) {
    partition.append(Array.from({ length: records }, () => undefined))
    feed.advance({ partition: partition.partition, epoch: partition.epoch, offset: records }, records)
  }
  return { log, feed }
}

const at = (partition: number, position: number, epoch = 'epoch-0'): CursorPosition => ({
  topic,
  partition,
  epoch,
  position,
})

function plan(
  { log, feed }: ReturnType<typeof nodeWith>,
  cursor: readonly CursorPosition[],
  options: { readonly maxLooks?: number } = {},
): ReturnType<typeof planResume> {
  const history = new MemoryHistory(log)
  const { signal } = new AbortController()
  return planResume({ feed, history, cursor, grant: createGrant(), signal, ...options })
}

async function wholePlan(...of: Parameters<typeof plan>): Promise<ResumePlan> {
  const planned = await plan(...of)
  if ('fault' in planned) throw new Error(planned.fault)
  return planned
}

const startsOf = ({ starts }: ResumePlan): number[] => starts.map(({ offset }) => offset)

// Cause: a partition that the cursor does not name began where a session may go back to, and counted as
// whole.
// Symptom: its older records were skipped with `recovered: true` and without `lost`; an empty cursor skipped
// everything so.
// Seen: a review added a partition to a quiet topic while its client was away for longer than
// TICKER_RESUME_MAX_AGE_MS.
test.each([
  ['a partition that was added', [at(0, 5)], [{ number: 1, from: 0, to: 3 }], [5, 3]],
  [
    'everything before, for a cursor without a partition',
    [],
    [
      { number: 0, from: 0, to: 4 },
      { number: 1, from: 0, to: 3 },
    ],
    [4, 3],
  ],
  [
    'what a topic that was recreated held',
    [at(0, 2, 'former'), at(1, 5)],
    [{ number: 0, from: 0, to: 4 }],
    [4, 5],
  ],
])('tells what is too old of %s', async (_, cursor, lost, starts) => {
  const node = nodeWith(5)
  node.log.partitions[0]!.age(4)
  node.log.partitions[1]!.age(3)
  const planned = await wholePlan(node, cursor)
  expect(planned).toMatchObject({ lost, isWhole: false })
  expect(startsOf(planned)).toEqual(starts)
})

test('tells what retention has removed of a partition before its client knew it', async () => {
  const node = nodeWith(5)
  node.log.partitions[1]!.retain(2)
  const planned = await wholePlan(node, [at(0, 5)])
  expect(planned).toMatchObject({ lost: [{ number: 1, from: 0, to: 2 }], isWhole: false })
})

test('reads a partition that the cursor does not name from its first offset, and is whole', async () => {
  const planned = await wholePlan(nodeWith(5), [at(0, 5)])
  expect(planned).toMatchObject({ lost: [], isWhole: true })
  expect(startsOf(planned)).toEqual([5, 0])
})

test('refuses nothing that is in memory, however old it is', async () => {
  const node = nodeWith(0)
  const [first] = node.log.partitions
  first!.append([undefined, undefined])
  node.feed.advance({ partition: first!.partition, epoch: 'epoch-0', offset: 2 }, 2)
  first!.age(2)
  expect(await wholePlan(node, [at(0, 0), at(1, 0)])).toMatchObject({ lost: [], isWhole: true })
})

// Cause: partitions of the cursor that the node had not found were ignored.
// Symptom: they came as new ones, from their first offset, so everything in them came twice; `recovered:
// true`.
// Seen: by reading, beside the one above.
test('waits for a partition that another node has listed and this one has not found yet', async () => {
  const node = nodeWith(5)
  const planning = wholePlan(node, [at(0, 5), at(1, 5), at(2, 1)])
  node.log.grow(topic)
  const added = node.log.partitions[2]!
  added.append([undefined, undefined])
  node.feed.advance({ partition: added.partition, epoch: added.epoch, offset: 2 }, 2)
  const planned = await planning
  expect(planned).toMatchObject({ lost: [], isWhole: true })
  expect(startsOf(planned)).toEqual([5, 5, 1])
})

test('is not whole where a partition is gone with its topic, which was recreated with fewer', async () => {
  expect(await wholePlan(nodeWith(5), [at(0, 5), at(1, 5), at(2, 1, 'former')])).toMatchObject({
    lost: [],
    isWhole: false,
  })
})

test('names a topic that the node does not read', () => {
  const { feed } = nodeWith(0)
  expect(unknownTopicFault(feed, [at(0, 0)])).toBeUndefined()
  expect(unknownTopicFault(feed, [at(0, 0), { ...at(0, 0), topic: 'elsewhere' }])).toBe(
    'cursor: topic elsewhere: this node does not read it, but market',
  )
})

test('names a partition that no node can have listed', async () => {
  expect(await plan(nodeWith(0), [at(7, 0)], { maxLooks: 1 })).toEqual({
    fault: 'cursor: market/7: the topic has no such partition',
  })
})
