import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readEventId, writeTopic } from '../../../src/transport/sse/event-id.ts'

const position = fc.option(fc.maxSafeNat(), { nil: undefined })
const topic = fc.record({
  topic: fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }),
  epoch: fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }),
  positions: fc.array(position, { minLength: 1, maxLength: 8 }).map(list => list.map(toText).join()),
})

function toText(each: number | undefined): string {
  return each?.toString(36) ?? ''
}

test('a cursor becomes printable ASCII and is read again as it was', () => {
  fc.assert(
    fc.property(fc.array(topic, { maxLength: 6 }), partitions => {
      const id = `1${partitions.map(each => writeTopic(each.topic, each.epoch) + each.positions).join('')}`
      expect(id).toMatch(/^[\x21-\x7e]+$/)
      const wellFormed = partitions.map(each => ({
        ...each,
        topic: each.topic.toWellFormed(),
        epoch: each.epoch.toWellFormed(),
      }))
      expect(readEventId(id)).toEqual({ version: 1, partitions: wellFormed })
    }),
  )
})

test('the id of five topics is short', () => {
  const names = ['bars', 'news', 'quotes', 'statuses', 'trades']
  const epoch = 'Vx0wJ8k3RVu1Jp2mTf9hZA'
  const id = `1${names.map(name => `${writeTopic(`market.${name}`, epoch)}3mv,0,zik0zj`).join('')}`
  expect(id.length).toBeLessThan(300)
})

test.each([
  ['', 'it begins with ""; ids of this version begin with "1"'],
  ['2;a:b:1', 'it begins with "2"; ids of this version begin with "1"'],
  ['42', 'it begins with "42"; ids of this version begin with "1"'],
  ['1;a:b', 'its part 1, "a:b", is not topic:epoch:positions'],
  ['1;a:b:1;', 'its part 2, "", is not topic:epoch:positions'],
  ['1;a:b:1:2', 'its part 1, "a:b:1:2", is not topic:epoch:positions'],
  ['1;a:b:1,X', 'its part 1, "a:b:1,X", is not topic:epoch:positions'],
  ['1;a:b:zzzzzzzzzzz', 'its part 1, "a:b:zzzzzzzzzzz", is not topic:epoch:positions'],
  ['1;%:b:1', 'its part 1, "%:b:1", is not topic:epoch:positions'],
  ['1;:b:1', 'its part 1, ":b:1", is not topic:epoch:positions'],
  ['1'.padEnd(4097, '0'), 'it has 4097 characters; ids have at most 4096'],
])('names what is wrong with %j', (id, fault) => {
  expect(readEventId(id)).toEqual({ fault })
})
