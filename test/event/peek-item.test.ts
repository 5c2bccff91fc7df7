import fc from 'fast-check'
import { expect, test } from 'vitest'
import { peekItem } from '../../src/event/peek-item.ts'

const peek = (json: string): unknown => peekItem(Buffer.from(json))

test('reads type and symbol where they come first, in either order, with or without spaces', () => {
  const item = { type: 't', symbol: 'BRK.B' }
  expect(peek('{"T":"t","S":"BRK.B","p":1}')).toEqual(item)
  expect(peek('{ "S" : "BRK.B" , "T" : "t" }')).toEqual(item)
})

test.each([
  '{"p":1,"T":"t","S":"A"}',
  '{"T":"t","x":"D","S":"A"}',
  '{"T":"t","T":"q","S":"A"}',
  '{"meta":{"T":"t","S":"A"},"T":"q","S":"B"}',
  '[{"T":"t","S":"A"}]',
  '{"T":"t","S":1}',
  '{"T":"t","S":"A',
  '{"T":"t"}',
  '"T"',
  '',
])('says nothing of %s', json => {
  expect(peek(json)).toBeUndefined()
})

test('finds the item that parsing finds, or one that does not exist', () => {
  const text = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('t', 'AAPL', 'a"b', '\\', '\u00e9'))
  const named = fc.constantFrom('T', 'S', 'p').chain(name => fc.record({ [name]: fc.oneof(text, fc.nat()) }))
  const fields = fc.array(named, { maxLength: 4 })
  const property = fc.property(fields, fc.constantFrom(undefined, 1), (list, space) => {
    const value: Record<string, unknown> = Object.assign({}, ...list)
    const item = peekItem(Buffer.from(JSON.stringify(value, undefined, space).replaceAll('\n', '')))
    const isOfItem = item !== undefined && /^[\w./-]+$/.test(item.type + item.symbol)
    expect(isOfItem ? item : value).toEqual(isOfItem ? { type: value['T'], symbol: value['S'] } : value)
  })
  fc.assert(property, { numRuns: 2000 })
})
