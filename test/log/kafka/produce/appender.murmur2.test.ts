import * as fc from 'fast-check'
import { Partitioners } from 'kafkajs'
import { expect, test } from 'vitest'
import { murmur2 } from '../../../../src/log/kafka/produce/appender.ts'

test('gives the values of the tests of Kafka itself', () => {
  const values = { '21': -973_932_308, foobar: -790_332_482, 'a-little-bit-long-string': -985_981_536 }
  for (const [key, value] of Object.entries(values)) {
    expect(murmur2(Buffer.from(key))).toBe(value & 0x7fffffff)
  }
})

test('chooses the partitions that kafkajs chooses', () => {
  const choose = Partitioners.DefaultPartitioner()
  const property = fc.property(
    fc.uint8Array({ maxLength: 30 }),
    fc.integer({ min: 1, max: 64 }),
    (bytes, count) => {
      const key = Buffer.from(bytes)
      const partitionMetadata = Array.from({ length: count }, (_, partitionId) => {
        return { partitionErrorCode: 0, partitionId, leader: 0, replicas: [], isr: [] }
      })
      return choose({ topic: 't', partitionMetadata, message: { key, value: null } }) === murmur2(key) % count
    },
  )
  expect(fc.assert(property, { numRuns: 2000 })).toBe(undefined)
})
