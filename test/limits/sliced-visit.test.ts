import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { SlicedVisit } from '../../src/limits/sliced-visit.ts'

const numbers = (count: number): Set<number> => new Set(Array.from({ length: count }, (_, index) => index))

test('visits 250 in each turn of the event loop, the first at once', async () => {
  const visited: number[] = []
  new SlicedVisit(() => numbers(600).values()).begin(number => visited.push(number))
  const counts = [visited.length]
  for (let turn = 0; turn < 3; turn++) {
    await nextTurn()
    counts.push(visited.length)
  }
  expect(counts).toEqual([250, 500, 600, 600])
})

test('passes over those that have left meanwhile', async () => {
  const all = numbers(400)
  const visited = new Set<number>()
  new SlicedVisit(() => all.values()).begin(number => visited.add(number))
  all.delete(350)
  await nextTurn()
  expect([visited.size, visited.has(350)]).toEqual([399, false])
})

test('a round that is asked for while one is under way is left out', async () => {
  const visited: number[] = []
  const rounds = new SlicedVisit(() => numbers(400).values())
  rounds.begin(number => visited.push(number))
  rounds.begin(() => visited.push(-1))
  await nextTurn()
  expect(visited).toHaveLength(400)
  expect(visited).not.toContain(-1)
})

test('stopped, visits nobody more', async () => {
  const visited: number[] = []
  const rounds = new SlicedVisit(() => numbers(400).values())
  rounds.begin(number => visited.push(number))
  rounds.stop()
  await nextTurn()
  expect(visited).toHaveLength(250)
})
