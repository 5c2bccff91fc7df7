import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ByteReader } from '../../../../src/log/kafka/protocol/byte-reader.ts'
import { fetchRequest } from '../../../../src/log/kafka/protocol/fetch-request.ts'
import { KafkaError, MalformedError } from '../../../../src/log/kafka/kafka-error.ts'
import type { KafkaRequest } from '../../../../src/log/kafka/protocol/kafka-request.ts'
import { listOffsetsRequest } from '../../../../src/log/kafka/protocol/list-offsets-request.ts'
import { metadataRequest } from '../../../../src/log/kafka/protocol/metadata-request.ts'
import {
  compactArray,
  compactBytes,
  compactString,
  int8,
  int16,
  int32,
  int64,
  noTags,
  uvarint,
} from '../fake-protocol.ts'

const topicId = Buffer.from('0123456789abcdef')
const join = (...parts: readonly Buffer[]) => Buffer.concat(parts)
/** Two tagged fields, of one byte and of none, as a later broker may add them. */
const tags = Buffer.from([2, 8, 1, 120, 9, 0])

const aborted = join(int64(2 ** 40), int64(640), tags)
const fetched = join(
  join(int32(7), int16(0), int64(900), int64(800), int64(5)),
  join(compactArray([aborted]), int32(-1), compactBytes(Buffer.from('records')), tags),
)
const outOfRange = join(
  join(int32(8), int16(1), int64(-1), int64(-1), int64(-1)),
  join(uvarint(0), int32(-1), uvarint(0), noTags),
)
/** Tag 0: the end of an epoch, with its own tags. */
const divergence = join(uvarint(1), uvarint(0), uvarint(13), int32(4), int64(640), noTags)
const diverged = join(
  join(int32(9), int16(0), int64(900), int64(800), int64(5)),
  join(uvarint(0), int32(-1), uvarint(0), divergence),
)
const fetchAnswer = join(
  join(int16(0), int32(0)),
  join(compactArray([join(topicId, compactArray([fetched, outOfRange, diverged]), tags)]), tags),
)

const brokers = [
  join(int32(3), compactString('broker-3'), int32(9093), uvarint(0), tags),
  join(int32(4), compactString('broker-4'), int32(9094), compactString('rack'), noTags),
]
const partitions = [3, -1].map((leader, partition) =>
  join(
    join(int16(0), int32(partition), int32(leader), int32(12)),
    join(compactArray([int32(3), int32(4)]), compactArray([int32(3)]), compactArray([]), tags),
  ),
)
const notAsked = int32(-(2 ** 31))
const trades = join(
  int16(0),
  compactString('trades'),
  topicId,
  int8(0),
  compactArray(partitions),
  notAsked,
  tags,
)
const news = join(
  int16(3),
  compactString('news'),
  Buffer.alloc(16),
  int8(0),
  compactArray([]),
  notAsked,
  noTags,
)
const metadataAnswer = join(
  join(compactArray(brokers), compactString('cluster'), int32(3)),
  join(compactArray([trades, news]), tags),
)

const offsets = [0, 6].map((errorCode, partition) =>
  join(int32(partition), int16(errorCode), int64(1_700_000_000_000), int64(42), int32(1), tags),
)
const listOffsetsAnswer = join(
  compactArray([join(compactString('trades'), compactArray(offsets), noTags)]),
  tags,
)

const fetch = fetchRequest({ positions: [], maxWaitMs: 0, maxBytes: 1, maxPartitionBytes: 1 })
const answers = [
  ['Fetch', fetch, fetchAnswer],
  ['Metadata', metadataRequest([]), metadataAnswer],
  ['ListOffsets', listOffsetsRequest([], 0), listOffsetsAnswer],
] as const satisfies readonly (readonly [string, KafkaRequest<unknown>, Buffer])[]

test('reads an answer to Fetch', () => {
  const epoch = topicId.toString('base64url')
  const answer = fetch.readAnswer(new ByteReader(fetchAnswer))
  expect(answer).toHaveLength(3)
  expect(answer.map(({ divergesAt }) => divergesAt)).toEqual([undefined, undefined, 640])
  expect(answer[0]).toEqual({
    epoch,
    partition: 7,
    errorCode: 0,
    highWatermark: 900,
    lastStableOffset: 800,
    aborted: [{ producerId: 2n ** 40n, firstOffset: 640 }],
    records: Buffer.from('records'),
  })
  expect(answer[1]).toMatchObject({
    epoch,
    partition: 8,
    errorCode: 1,
    aborted: [],
    records: Buffer.alloc(0),
  })
})

test('reads an answer to Metadata', () => {
  expect(metadataRequest([]).readAnswer(new ByteReader(metadataAnswer))).toEqual({
    brokers: new Map([
      [3, { host: 'broker-3', port: 9093 }],
      [4, { host: 'broker-4', port: 9094 }],
    ]),
    topics: [
      {
        topic: 'trades',
        errorCode: 0,
        epoch: topicId.toString('base64url'),
        partitions: [
          { partition: 0, leader: 3 },
          { partition: 1, leader: undefined },
        ],
      },
      { topic: 'news', errorCode: 3, epoch: 'AAAAAAAAAAAAAAAAAAAAAA', partitions: [] },
    ],
  })
})

test('reads an answer to ListOffsets', () => {
  expect(listOffsetsRequest([], 0).readAnswer(new ByteReader(listOffsetsAnswer))).toEqual([
    { topic: 'trades', partition: 0, errorCode: 0, offset: 42 },
    { topic: 'trades', partition: 1, errorCode: 6, offset: 42 },
  ])
})

test.each(answers)('takes an answer to %s that is cut off anywhere for malformed', (_, request, bytes) => {
  for (let length = 0; length < bytes.length; length += 1) {
    expect(() => request.readAnswer(new ByteReader(bytes.subarray(0, length)))).toThrow(MalformedError)
  }
})

test.each(answers)('answers a damaged answer to %s with a value or an error of ours', (_, request, bytes) => {
  const damage = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
  const property = fc.property(damage, damages => {
    const damaged = Buffer.from(bytes)
    for (const [at, byte] of damages) damaged.writeUInt8(byte, at)
    try {
      request.readAnswer(new ByteReader(damaged))
    } catch (error) {
      assert.ok(error instanceof MalformedError || error instanceof KafkaError, String(error))
    }
  })
  expect(fc.assert(property, { numRuns: 3000 })).toBe(undefined)
})
