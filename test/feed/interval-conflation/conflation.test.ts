import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ConflatedMembership } from '../../../src/feed/interval-conflation/conflated-membership.ts'
import { maxFrameBytes } from '../../../src/wire/wire-form.ts'
import { ConflationFixture, Member } from './conflation-fixture.ts'

let fixture: ConflationFixture

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
  fixture = new ConflationFixture()
})

afterEach(() => {
  vi.useRealTimers()
})

const namesOf = (count: number): string[] => Array.from({ length: count }, (_, index) => `S${index}`)

describe('at the end of an interval', () => {
  test('each item that changed is delivered once: its newest event, and how many it replaces', () => {
    const member = fixture.join(250, ['A', 'B', 'C'])
    fixture.quote('A', 'B', 'A')
    fixture.quote('X', 'A')
    expect(member.frames).toEqual([])
    fixture.pass(250)
    expect(member.takeShort().toSorted()).toEqual(['A 4 for 3', 'B 1 for 1'])
    fixture.pass(250)
    expect(member.offers).toBe(1)
  })

  test('members with equal selections receive the very same frame', () => {
    const [ann, bob] = [fixture.join(250, ['A', 'B']), fixture.join(250, ['B', 'A'])]
    fixture.quote('A', 'B', 'B')
    fixture.pass(250)
    expect(ann.frames).toHaveLength(1)
    expect(bob.frames[0]).toBe(ann.frames[0])
  })

  test('a member that joined within it gets what came since, and from then on shares frames', () => {
    const ann = fixture.join(250, ['A', 'B'])
    fixture.quote('A', 'B', 'B')
    const [bob, cid] = [fixture.join(250, ['A', 'B']), fixture.join(250, ['A', 'B'])]
    fixture.quote('A')
    const dan = fixture.join(250, ['A', 'B'])
    fixture.pass(250)
    expect([ann, bob, dan].map(member => member.takeShort().toSorted())).toEqual([
      ['A 3 for 2', 'B 2 for 2'],
      ['A 3 for 1'],
      [],
    ])
    expect(cid.takeShort()).toEqual(['A 3 for 1'])
    fixture.quote('A', 'A')
    fixture.pass(250)
    const [frame] = ann.frames
    for (const member of [ann, bob, cid, dan]) expect(member.frames).toEqual([frame])
    expect(bob.frames[0]).toBe(frame)
    expect(dan.frames[0]).toBe(frame)
  })

  test('a whole channel is delivered like names', () => {
    const [all, some] = [fixture.join(250, ['*']), fixture.join(250, namesOf(50))]
    fixture.quote('S1', 'Y', 'S1')
    fixture.pass(250)
    expect(all.takeShort()).toEqual(['S1 2 for 2', 'Y 1 for 1'])
    expect(some.takeShort()).toEqual(['S1 2 for 2'])
  })

  test('other channels are not delivered', () => {
    const member = fixture.join(250, ['*'])
    const { lastValues, conflation } = fixture
    const trade = { T: 't', S: 'A', p: 1, s: 1, t: '2026-01-02T14:30:00Z' } as const
    lastValues.add(trade, { partition: 0, offset: 0, writtenMs: 0 })
    conflation.mark(lastValues.batch, 0, trade)
    fixture.pass(250)
    expect(member.offers).toBe(0)
  })
})

describe('the clock', () => {
  test('ends intervals at their multiples, for all at once', () => {
    vi.advanceTimersByTime(130)
    const [quick, slow] = [fixture.join(100, ['A']), fixture.join(1000, ['A'])]
    fixture.quote('A')
    fixture.pass(69)
    expect(quick.offers).toBe(0)
    fixture.pass(1)
    expect([quick.offers, slow.offers]).toEqual([1, 0])
    fixture.quote('A')
    fixture.pass(800)
    expect(quick.takeShort()).toEqual(['A 0 for 1', 'A 1 for 1'])
    expect(slow.takeShort()).toEqual(['A 1 for 2'])
  })

  test('stands while there are no members', () => {
    expect(vi.getTimerCount()).toBe(0)
    const members = [fixture.join(250, ['A']), fixture.join(250, ['B']), fixture.join(500, ['A'])]
    expect(vi.getTimerCount()).toBe(2)
    for (const { membership } of members) membership!.leave()
    expect(vi.getTimerCount()).toBe(0)
    expect([...fixture.conflation.audienceCounts.values()]).toEqual(Array(10).fill(0))
    expect(fixture.conflation.countNames(() => true)).toBe(0)
  })

  test('that is early does not end an interval twice', () => {
    let steadyMs = 0
    const early = new ConflationFixture({ steady: () => steadyMs })
    const member = early.join(100, ['A'])
    early.quote('A')
    steadyMs = 99.7
    early.pass(100)
    steadyMs = 100.1
    early.quote('A')
    early.pass(50)
    expect(member.takeShort()).toEqual(['A 0 for 1'])
    steadyMs = 200
    early.pass(50)
    expect(member.takeShort()).toEqual(['A 1 for 1'])
  })
})

describe('a node with many members', () => {
  test('delivers to some in each turn, to all the state at the end of the interval', () => {
    fixture = new ConflationFixture({ writesPerTurn: 2 })
    const members = namesOf(5).map(() => fixture.join(250, ['A']))
    const offers = (): number => members.filter(member => member.offers > 0).length
    fixture.quote('A')
    vi.advanceTimersByTime(250)
    const counts = [offers()]
    while (fixture.turn()) {
      fixture.quote('A')
      counts.push(offers())
    }
    expect(counts).toEqual([2, 4, 5])
    for (const member of members) expect(member.takeShort()).toEqual(['A 0 for 1'])
    fixture.pass(250)
    for (const member of members) expect(member.takeShort()).toEqual(['A 2 for 2'])
  })

  test('puts off the end of an interval while the last one is being delivered, and counts on', () => {
    fixture = new ConflationFixture({ writesPerTurn: 1 })
    const members = namesOf(3).map(() => fixture.join(100, ['A']))
    for (let interval = 0; interval < 3; interval++) {
      fixture.quote('A')
      vi.advanceTimersByTime(100)
    }
    while (fixture.turn());
    expect(fixture.conflation.counts.ticks).toEqual({ told: 1, put_off: 2 })
    fixture.pass(100)
    for (const member of members) expect(member.takeShort()).toEqual(['A 0 for 1', 'A 2 for 2'])
  })

  test('lets intervals take turns', () => {
    fixture = new ConflationFixture({ writesPerTurn: 2 })
    const crowd = namesOf(20).map(() => fixture.join(1000, ['A']))
    vi.advanceTimersByTime(900)
    const few = fixture.join(100, ['A'])
    fixture.quote('A')
    vi.advanceTimersByTime(100)
    fixture.turn()
    fixture.turn()
    expect(few.offers).toBe(1)
    expect(crowd.filter(({ offers }) => offers > 0).length).toBeLessThan(10)
  })

  test('writes no more of an interval than it may; leftovers come first the next time', () => {
    fixture = new ConflationFixture({ maxIntervalBytes: 2048 })
    const names = namesOf(25)
    const member = fixture.join(250, names)
    fixture.quote(...names, ...names)
    fixture.pass(250)
    const first = member.take()
    expect(first.length).toBeGreaterThan(3)
    expect(JSON.stringify(first).length).toBeLessThanOrEqual(2048)
    expect(member.membership!.delivered).toEqual({ positions: [50], isComplete: false })
    const left = names.filter(name => !first.some(({ S }) => S === name))
    fixture.quote(...names)
    fixture.pass(250)
    const second = member.take()
    expect(left.slice(0, second.length)).toEqual(expect.arrayContaining(second.map(({ S }) => S)))
    for (const { replaces } of second) expect(replaces).toBe(2)
    for (let tick = 0; tick < 10; tick++) fixture.pass(250)
    const all = [...first, ...second, ...member.take()]
    expect(all.reduce((sum, { replaces = 0 }) => sum + 1 + replaces, 0)).toBe(75)
    expect(member.membership!.delivered).toEqual({ positions: [75], isComplete: true })
  })

  test('delivers at most a megabyte of an interval, in frames', () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `SYMBOL.${index}`)
    const member = fixture.join(1000, ['*'])
    fixture.quote(...names)
    fixture.pass(1000)
    const bytes = member.frames.reduce((sum, frame) => sum + frame.length, 0)
    expect(bytes).toBeGreaterThan(700_000)
    expect(bytes).toBeLessThanOrEqual(1_048_576)
    for (const { length } of member.frames) expect(length).toBeLessThanOrEqual(maxFrameBytes)
    fixture.pass(1000)
    fixture.pass(1000)
    expect(new Set(member.take().map(({ S }) => S)).size).toBe(20_000)
  })
})

describe('a member', () => {
  test('that does not take what it is offered has left, and states what it got', () => {
    const [ann, bob] = [fixture.join(250, ['A']), fixture.join(250, ['A'])]
    fixture.quote('A')
    fixture.pass(250)
    bob.isCongested = true
    fixture.quote('A', 'A')
    fixture.pass(250)
    fixture.quote('A')
    fixture.pass(250)
    expect(ann.offers).toBe(3)
    expect(bob.offers).toBe(2)
    expect(bob.membership!.leave()).toEqual({ positions: [1], isComplete: true })
    expect(ann.membership!.leave()).toEqual({ positions: [4], isComplete: true })
  })

  test('that leaves before it got anything has everything up to where it joined', () => {
    fixture.join(250, ['A'])
    fixture.quote('A', 'A')
    const member = fixture.join(250, ['A'])
    fixture.quote('A')
    expect(member.membership!.leave()).toEqual({ positions: [2], isComplete: true })
    fixture.pass(250)
    expect(member.offers).toBe(0)
  })

  test('whose items did not change has everything, without a frame', () => {
    const member = fixture.join(250, ['A'])
    fixture.quote('X', 'Y')
    fixture.pass(250)
    expect(member.offers).toBe(0)
    expect(member.membership!.leave()).toEqual({ positions: [2], isComplete: true })
  })

  test('that leaves during the delivery, before its turn, has got nothing of it', () => {
    fixture = new ConflationFixture({ writesPerTurn: 2 })
    const members = namesOf(4).map(() => fixture.join(250, ['A']))
    fixture.quote('A')
    vi.advanceTimersByTime(250)
    expect(members.map(({ offers }) => offers)).toEqual([1, 1, 0, 0])
    expect(members[3]!.membership!.leave().positions).toEqual([0])
    expect(members[1]!.membership!.leave().positions).toEqual([1])
    while (fixture.turn());
    expect(members.map(({ offers }) => offers)).toEqual([1, 1, 1, 0])
  })

  test('that leaves while it is offered something has not taken it', () => {
    class Leaver extends Member {
      override offer(): boolean {
        this.membership!.leave()
        return true
      }
    }
    const leaver = fixture.join(250, ['A'], new Leaver())
    const other = fixture.join(250, ['A'])
    fixture.quote('A')
    fixture.pass(250)
    expect(leaver.membership!.leave()).toEqual({ positions: [0], isComplete: true })
    expect(other.takeShort()).toEqual(['A 0 for 1'])
  })

  test('that changes its selection takes along what it did not get yet', () => {
    const member = fixture.join(250, ['A', 'B'])
    const other = fixture.join(250, ['A', 'C'])
    fixture.quote('A', 'B', 'C', 'A')
    fixture.move(member, 250, ['A', 'C'])
    expect(member.membership!.delivered).toEqual({ positions: [4], isComplete: false })
    fixture.quote('A', 'C')
    fixture.pass(250)
    expect(member.takeShort().toSorted()).toEqual(['A 4 for 3', 'C 5 for 1'])
    expect(other.takeShort().toSorted()).toEqual(['A 4 for 3', 'C 5 for 2'])
    fixture.quote('A')
    fixture.pass(250)
    expect(member.frames[0]).toBe(other.frames[0])
  })

  test('that changes to another interval during the delivery takes that along, too', () => {
    fixture = new ConflationFixture({ writesPerTurn: 1 })
    const members = namesOf(3).map(() => fixture.join(250, ['A']))
    fixture.quote('A')
    vi.advanceTimersByTime(250)
    fixture.quote('A')
    const [served, , waiting] = members
    fixture.move(served!, 500, ['A'])
    fixture.move(waiting!, 500, ['A'])
    expect(waiting!.offers).toBe(0)
    fixture.pass(250)
    expect(served!.takeShort()).toEqual(['A 0 for 1', 'A 1 for 1'])
    expect(waiting!.takeShort()).toEqual(['A 1 for 2'])
  })

  test('that has just joined and changes at once keeps what came since it joined', () => {
    fixture = new ConflationFixture({ writesPerTurn: 1 })
    for (const name of ['A', 'B', 'C']) fixture.join(250, [name])
    fixture.pass(250)
    fixture.quote('A', 'B', 'C')
    const member = fixture.join(250, ['A', 'B'])
    fixture.quote('B')
    vi.advanceTimersByTime(250)
    fixture.move(member, 500, ['A', 'B'])
    fixture.pass(500)
    expect(member.takeShort()).toEqual(['B 3 for 1'])
  })

  test('that changes between building and offering of its frames keeps earlier leftovers', () => {
    fixture = new ConflationFixture({ writesPerTurn: 1, maxIntervalBytes: 1 })
    const members = namesOf(2).map(() => fixture.join(250, ['A', 'B']))
    fixture.quote('A', 'B')
    fixture.pass(250)
    vi.advanceTimersByTime(250)
    const [first, second] = members
    expect([first!.takeShort(), second!.takeShort()]).toEqual([['A 0 for 1', 'B 1 for 1'], ['A 0 for 1']])
    fixture.move(second!, 500, ['A', 'B'])
    fixture.pass(500)
    expect(second!.takeShort()).toEqual(['B 1 for 1'])
  })

  // Cause: a cohort that everyone had left was dropped while others could still join it.
  // Symptom: a member that joined it got one interval, and nothing after that.
  // Seen: when the code was read again, before anyone used it.
  test('that joins right after another one has left gets every interval', () => {
    fixture = new ConflationFixture({ writesPerTurn: 1 })
    const others = namesOf(3).map(() => fixture.join(250, ['A']))
    fixture.quote('A')
    vi.advanceTimersByTime(250)
    const membership: ConflatedMembership = fixture.join(250, ['A']).membership!
    membership.leave()
    while (fixture.turn());
    const member = fixture.join(250, ['A'])
    for (let tick = 0; tick < 3; tick++) {
      fixture.quote('A')
      fixture.pass(250)
    }
    expect(member.offers).toBe(3)
    expect(others[0]!.offers).toBe(4)
  })
})

test('counts what was delivered and replaced, the names and the audiences', () => {
  fixture.join(250, ['A', 'B'])
  const member = fixture.join(250, ['B', 'A'])
  fixture.join(500, ['A', '*'])
  expect(fixture.conflation.countNames(() => true)).toBe(3)
  expect(fixture.conflation.countNames((_, name) => name !== 'A')).toBe(2)
  const counts = fixture.conflation.audienceCounts
  expect([counts.get(100), counts.get(250), counts.get(500)]).toEqual([0, 1, 1])
  fixture.quote('A', 'A', 'B')
  fixture.pass(250)
  expect(fixture.conflation.counts).toMatchObject({
    events: 2,
    deliveries: 4,
    bytes: 2 * member.frames[0]!.length,
    flushes: 1,
    replaced: { quotes: 2, trades: 0 },
    ticks: { told: 1, put_off: 0 },
  })
})
