import { expect, test } from 'vitest'
import { compare, inspect, type TrueRecord } from './truth.ts'

const truth: readonly TrueRecord[] = [0, 1, 2, 3, 4, 5].map(number => ({
  partition: number % 2,
  offset: Math.floor(number / 2),
  number,
  symbol: `SYM${number % 2}`,
}))
const clean = { lost: 0, twice: 0, invented: 0, disordered: 0 }

// A comparison that finds nothing proves nothing unless it can find something.
test('finds nothing wrong with partitions that are merged in another order', () => {
  expect(compare([1, 0, 2, 4, 3, 5], truth)).toEqual(clean)
})

test('finds what was lost, repeated, made up and put in another order', () => {
  expect(compare([0, 1, 2, 4, 5], truth)).toEqual({ ...clean, lost: 1 })
  expect(compare([0, 1, 2, 3, 3, 4, 5], truth)).toEqual({ ...clean, twice: 1 })
  expect(compare([0, 1, 2, 3, 9, 4, 5], truth)).toEqual({ ...clean, invented: 1 })
  expect(compare([0, 1, 4, 3, 2, 5], truth)).toEqual({ ...clean, disordered: 1 })
})

test('finds what Kafka lacks, holds twice or in another order', () => {
  const whole = { missingInKafka: 0, twiceInKafka: 0, disorderedInKafka: 0 }
  expect(inspect(truth, 6)).toEqual(whole)
  expect(inspect(truth, 7)).toEqual({ ...whole, missingInKafka: 1 })
  expect(inspect([...truth, { ...truth[5]!, offset: 3 }], 6)).toEqual({ ...whole, twiceInKafka: 1 })
  expect(inspect([truth[0]!, truth[4]!, truth[2]!, truth[1]!, truth[3]!, truth[5]!], 6)).toEqual({
    ...whole,
    disorderedInKafka: 1,
  })
})
