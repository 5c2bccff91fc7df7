import { expect, test } from 'vitest'
import { keyPartition } from '../../../src/log/embedded/record-writer.ts'

test('keys stay in the partitions that they have in existing files', () => {
  const partitions = ['', 'AAPL', 'SPY', 'BRK.B', 'BTC/USD', '株'].map(key =>
    keyPartition(Buffer.from(key), 1000),
  )
  expect(partitions).toMatchInlineSnapshot(`
    [
      261,
      955,
      309,
      130,
      103,
      923,
    ]
  `)
})

test('many symbols fill every partition about equally', () => {
  const counts = Array(8).fill(0)
  for (let index = 0; index < 8000; index += 1) counts[keyPartition(Buffer.from(`S${index}`), 8)] += 1
  for (const count of counts) expect(count).toBeGreaterThan(850)
})
