import { expect, test } from 'vitest'
import { limitConcurrency } from '../../src/limits/concurrency-limiter.ts'

test('lets so many through at a time, the others in order, also past those that fail', async () => {
  const open: (() => void)[] = []
  const entered: number[] = []
  const pass = limitConcurrency(async (number: number) => {
    entered.push(number)
    await new Promise<void>(resolve => open.push(resolve))
    if (number === 1) throw new RangeError('one')
    return number * 10
  }, 2)
  const passing = [0, 1, 2, 3].map(number => pass(number))
  const settled = Promise.allSettled(passing)
  expect(entered).toEqual([0, 1])
  open[1]?.()
  await expect.poll(() => entered).toEqual([0, 1, 2])
  open[0]?.()
  await expect.poll(() => entered).toEqual([0, 1, 2, 3])
  open[2]?.()
  open[3]?.()
  expect((await settled).map(result => (result.status === 'fulfilled' ? result.value : 'failed'))).toEqual([
    0,
    'failed',
    20,
    30,
  ])
  const later = pass(4)
  expect(entered).toHaveLength(5)
  open[4]?.()
  expect(await later).toBe(40)
})
