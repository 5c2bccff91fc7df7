import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CursorPosition, PartitionPosition } from '../../../src/protocol/positions.ts'
import type { ServerMessage } from '../../../src/protocol/server-message.ts'
import { parseCursor } from '../../../src/protocol/ticker-v1/partition-runs.ts'
import { spellMessage } from '../../../src/protocol/ticker-v1/spell-message.ts'
import { SharedCursors } from '../../../src/transport/sse/shared-cursors.ts'
import { CursorTracker } from '../../../src/transport/sse/cursor-tracker.ts'
import { maxEventIdBytes, readEventId } from '../../../src/transport/sse/event-id.ts'
import { type Payload, textPayload } from '../../../src/wire/payload.ts'
import type { Message } from '../../support/form-reader.ts'
import { createPositionKeeper } from '../../support/position-keeper.ts'

const offset = fc.nat(100_000)
const number = fc.nat(11)
const moved = fc.uniqueArray(fc.tuple(number, offset), { selector: ([each]) => each, maxLength: 4 })
const covered = moved.map(list => list.map(([each, to]) => ({ number: each, from: 0, to })))

/** A server's choice: messages that state positions, events, and others. */
const anyStep = fc.oneof(
  fc.record({ what: fc.constant('events' as const), ranges: covered }),
  fc.record({ what: fc.constant('coverage' as const), ranges: covered }),
  fc.record({ what: fc.constantFrom('heartbeat' as const, 'shutdown' as const, 'moved' as const), moved }),
  fc.record({
    what: fc.constant('recreated' as const),
    topic: fc.nat(2),
    partition: fc.nat(3),
    offset,
  }),
  fc.record({ what: fc.constant('everything' as const), offset }),
  fc.record({ what: fc.constant('resumed' as const) }),
)

type Step = typeof anyStep extends fc.Arbitrary<infer Value> ? Value : never

/** The partitions of a node, whose numbers it gives out in rising order. */
class Partitions {
  readonly all: PartitionPosition[] = []

  constructor() {
    for (let topic = 0; topic < 3; topic++)
      for (let partition = 0; partition < 4; partition++) this.add(topic, partition, 7)
  }

  add(topic: number, partition: number, position: number): PartitionPosition {
    const added = {
      partition: { topic: `market.${'tqn'[topic]}`, partition },
      epoch: `epoch ${this.all.length}`,
      offset: position,
      number: this.all.length,
    }
    const { epoch } = this.all.find(each => each.partition.topic === added.partition.topic) ?? added
    // A topic that begins anew has another epoch in each of its partitions, one by one.
    this.all.push(this.all.length < 12 ? { ...added, epoch } : added)
    return this.all.at(-1)!
  }

  /** The last entry of each partition. */
  get current(): PartitionPosition[] {
    const last = new Map(
      this.all.map(each => [`${each.partition.topic} ${each.partition.partition}`, each] as const),
    )
    return [...last.values()]
  }

  has(each: number): boolean {
    return this.current.some(position => position.number === each)
  }
}

function messageOf(step: Exclude<Step, { what: 'events' }>, partitions: Partitions): ServerMessage {
  const subscription = { symbols: new Map(), policy: {} }
  switch (step.what) {
    case 'coverage':
      return { kind: 'coverage', ranges: step.ranges.filter(range => partitions.has(range.number)) }
    case 'heartbeat':
      return { kind: 'heartbeat', atMs: 0, agesMs: {}, lag: 0, positions: known(step.moved, partitions) }
    case 'shutdown':
      return { kind: 'shutdown', reconnectInMs: 1, positions: known(step.moved, partitions) }
    case 'moved':
      return { kind: 'subscription', subscription, positions: { moved: known(step.moved, partitions) } }
    case 'everything':
      return {
        kind: 'subscription',
        subscription,
        positions: { all: partitions.current.map(each => ({ ...each, offset: step.offset })) },
      }
    case 'recreated':
      return {
        kind: 'partitions',
        partitions: [partitions.add(step.topic, step.partition, step.offset)],
      }
    case 'resumed':
    default:
      return { kind: 'resumed', recovered: true }
  }
}

/** Former numbers are not used any more. */
function known(list: readonly [number, number][], partitions: Partitions): [number, number][] {
  return list.filter(([each]) => partitions.has(each))
}

function messagePayload(message: ServerMessage): Payload {
  const payload = textPayload(JSON.stringify([spellMessage(message)]))
  payload.message = message
  return payload
}

function eventsPayload(ranges: readonly { number: number; from: number; to: number }[]): Payload {
  const coverage = JSON.stringify({
    T: 'coverage',
    ranges: ranges.map(each => [each.number, each.from, each.to]),
  })
  const payload = textPayload(`[{"T":"t","S":"7","c":["1",[2]]},${coverage}]`)
  payload.coverageBytes = coverage.length
  return payload
}

function payloadOf(step: Step, partitions: Partitions): Payload {
  return step.what === 'events'
    ? eventsPayload(step.ranges.filter(range => partitions.has(range.number)))
    : messagePayload(messageOf(step, partitions))
}

function positionsOf(cursor: unknown): readonly CursorPosition[] {
  const result = parseCursor(cursor)
  if ('fault' in result) throw new Error(result.fault)
  return result.positions.toSorted((a, b) =>
    `${a.topic} ${a.partition}`.localeCompare(`${b.topic} ${b.partition}`),
  )
}

test('an id is always the cursor that the JavaScript of PROTOCOL.md would have', () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 30 }), steps => {
      const partitions = new Partitions()
      const tracker = new CursorTracker(new SharedCursors())
      const keeper = createPositionKeeper()
      let id: string | undefined
      for (const each of [{ what: 'everything' as const, offset: 7 }, ...steps]) {
        const payload = payloadOf(each, partitions)
        id = tracker.follow(payload) ?? id
        for (const message of JSON.parse(payload.bytes.toString()) as Message[])
          keeper.receive[message['T']]?.(message)
        expect(positionsOf(readEventId(id ?? ''))).toEqual(
          positionsOf(JSON.parse(JSON.stringify(keeper.cursor()))),
        )
      }
    }),
  )
})

const sharedBy = 3
/** A payload, and the sessions that get it. */
const anyDelivery = fc.record({ step: anyStep, to: fc.subarray([0, 1, 2], { minLength: 1 }) })

test('sessions that share cursors have the ids that each would have alone', () => {
  fc.assert(
    fc.property(fc.array(anyDelivery, { maxLength: 40 }), deliveries => {
      const partitions = new Partitions()
      const cursors = new SharedCursors()
      const together = Array.from({ length: sharedBy }, () => new CursorTracker(cursors))
      const alone = Array.from({ length: sharedBy }, () => new CursorTracker(new SharedCursors()))
      const first = { step: { what: 'everything' as const, offset: 7 }, to: [0, 1, 2] }
      for (const { step, to } of [first, ...deliveries]) {
        const payload = payloadOf(step, partitions)
        for (const index of to) {
          expect(together[index]?.follow(payload)).toBe(alone[index]?.follow(payload))
        }
      }
    }),
  )
})

test('sessions at the same positions share a cursor, however they came there', () => {
  const cursors = new SharedCursors()
  const one = cursors.after(undefined, everything(20))
  const other = cursors.after(undefined, everything(20))
  expect(one?.id).toContain('market.trades')
  expect(other).toBe(one)
  const events = eventsPayload([{ number: 3, from: 1_000_000, to: 1_000_001 }])
  const ahead = cursors.after(one, events)
  expect(cursors.after(other, events)).toBe(ahead)
  const late = cursors.after(other, eventsPayload([{ number: 4, from: 1_000_000, to: 1_000_001 }]))
  const heartbeat = (): Payload =>
    messagePayload({
      kind: 'heartbeat',
      atMs: 0,
      agesMs: {},
      lag: 0,
      positions: [
        [3, 1_000_001],
        [4, 1_000_001],
      ],
    })
  expect(cursors.after(late, heartbeat())).toBe(cursors.after(ahead, heartbeat()))
})

function everything(count: number): Payload {
  const all = Array.from({ length: count }, (_, partition) => ({
    partition: { topic: 'market.trades', partition },
    epoch: 'epoch',
    offset: 1_000_000,
    number: partition,
  }))
  return messagePayload({
    kind: 'subscription',
    subscription: { symbols: new Map(), policy: {} },
    positions: { all },
  })
}

test('a client with more partitions than an id has room for gets none', () => {
  const tracker = new CursorTracker(new SharedCursors())
  expect(tracker.follow(everything(600))).toBeUndefined()
  expect(tracker.isTooLong).toBe(true)
  expect(tracker.follow(eventsPayload([{ number: 1, from: 0, to: 2_000_000 }]))).toBeUndefined()
})

test('an id that was short enough stays so, though positions grow', () => {
  const tracker = new CursorTracker(new SharedCursors())
  expect(tracker.follow(everything(580 - 130))?.length).toBeLessThanOrEqual(maxEventIdBytes)
  const id = tracker.follow(
    messagePayload({
      kind: 'heartbeat',
      atMs: 0,
      agesMs: {},
      lag: 0,
      positions: Array.from({ length: 450 }, (_, each) => [each, 900_000_000] as const),
    }),
  )
  expect(id?.length).toBeLessThanOrEqual(maxEventIdBytes)
})
