import type { Message } from 'kafkajs'
import { sampleTrade } from '../../log/conformance/sample-event.ts'
import type { SampleBatch } from '../../log/kafka/batch-encoder.ts'

/** More than kafkajs can read, or build. */
export const batchRecords = 200_000

/** Messages of which none is an event. */
export function garbage(): Message[] {
  const trade = sampleTrade('BAD', 0)
  return [
    { value: null },
    { value: '' },
    { value: 'no JSON' },
    { value: Buffer.from([0xc1, 0xff, 0x00]) },
    { value: '[]' },
    { value: '{"T":"unknown"}' },
    { value: JSON.stringify({ ...trade, i: undefined, p: 'dear' }) },
    { value: 'x'.repeat(900_000) },
  ]
}

/** A batch of trades, the first with this number. */
export function largeBatch(first: number): SampleBatch {
  const value = (number: number) => Buffer.from(JSON.stringify(sampleTrade('LARGE', number)))
  const records = numbersFrom(first, batchRecords).map((number, offsetDelta) => ({
    offsetDelta,
    timestampDelta: 0,
    key: Buffer.from('LARGE'),
    value: value(number),
    headers: [],
  }))
  return { baseOffset: 0, baseTimestamp: Date.now(), records }
}

/** `count` numbers that follow each other. */
export function numbersFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index)
}
