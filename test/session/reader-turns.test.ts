import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ReaderTurns } from '../../src/session/reader-turns.ts'

test('work is done in its order, some in each turn of the loop, however much there is', async () => {
  let nowMs = 0
  const turns = new ReaderTurns(() => nowMs)
  const done: number[] = []
  const works = Array.from({ length: 10 }, (_, index) =>
    turns.take(() => {
      nowMs += 0.7
      done.push(index)
    }),
  )
  expect(done).toEqual([])
  const perTurn: number[] = []
  while (done.length < 10) {
    const before = done.length
    await turn()
    perTurn.push(done.length - before)
  }
  await Promise.all(works)
  expect(done).toEqual(Array.from({ length: 10 }, (_, index) => index))
  expect(Math.max(...perTurn)).toBe(3)
})

test('what goes wrong is told to who asked for it, and the others have their turns', async () => {
  const turns = new ReaderTurns()
  const fails = turns.take(() => {
    throw new RangeError('no')
  })
  const goesOn = turns.take(() => 7)
  await expect(fails).rejects.toThrow('no')
  expect(await goesOn).toBe(7)
})
