import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { MarketEvent } from '../../src/event/event.ts'
import { FastEventParser } from '../../src/event/fast-event-parser.ts'
import { EventFault, parseEvent } from '../../src/event/parse-event.ts'
import { generateTape } from '../support/tape.ts'

const trade =
  '{"T":"t","S":"AAPL","i":52983525029461,"x":"V","p":126.55,"s":1,"t":"2024-01-31T14:30:00.123Z","c":["@","I"],"z":"C"}'
const read = (parser: FastEventParser, text: string): MarketEvent | undefined =>
  parser.parse(Buffer.from(text))

/** What the gateway does with an event of another layout. */
function readSlowly(text: string): MarketEvent | undefined {
  try {
    const event = parseEvent(JSON.parse(text))
    return event instanceof EventFault ? undefined : event
  } catch {
    return undefined
  }
}

function learnt(...texts: string[]): FastEventParser {
  const parser = new FastEventParser()
  for (const text of texts) parser.learn(readSlowly(text)!)
  return parser
}

test('parses an event that is laid out like an earlier one', () => {
  const text = trade.replace('AAPL', 'BRK.B').replace('126.55', '0.0001').replace('["@","I"]', '[]')
  expect(JSON.stringify(read(learnt(trade), text))).toBe(text)
})

test('leaves a type that it has not learnt to the others', () => {
  expect(read(new FastEventParser(), trade)).toBeUndefined()
})

test('parses events with and without an optional field, once it has learnt both', () => {
  const without = trade.replace(',"c":["@","I"]', '')
  const parser = learnt(without, trade)
  for (const text of [trade, without, trade, without]) expect(JSON.stringify(read(parser, text))).toBe(text)
})

test.each([
  ['a required field is missing', trade.replace('"p":126.55,', '')],
  ['a field comes twice', trade.replace('"p":126.55', '"p":126.55,"p":126.55')],
  ['a field is unknown', trade.replace('"z":"C"', '"z":"C","y":1')],
  ['an optional field is null', trade.replace('"C"', 'null')],
  ['the order is another', trade.replace('"x":"V","p":126.55', '"p":126.55,"x":"V"')],
  ['there are spaces', trade.replace(',"p"', ', "p"')],
  ['something follows', `${trade} `],
  ['something is cut off', trade.slice(0, -1)],
  ['a text has an escape', trade.replace('"V"', String.raw`"\u0056"`)],
  ['a text is not ASCII', trade.replace('"V"', '"Ä"')],
  ['a number has an exponent', trade.replace('126.55', '12655e-2')],
  ['a number has more digits than are exact', trade.replace('126.55', '126.5500000000000001')],
  ['a number is negative', trade.replace('126.55', '-126.55')],
  ['a symbol is none', trade.replace('AAPL', 'AA PL ')],
  ['a time is none', trade.replace('14:30', '14:60')],
  ['an integer is none', trade.replace('52983525029461', '5.5')],
  ['a text is too long', trade.replace('"V"', `"${'V'.repeat(17)}"`)],
])('leaves it to the others when %s', (_why, text) => {
  expect(read(learnt(trade), text)).toBeUndefined()
})

test('leaves articles to the others', () => {
  const news = '{"T":"n","id":1,"headline":"H","created_at":"2024-01-31T14:30:00Z","symbols":[]}'
  expect(read(learnt(news), news)).toBeUndefined()
})

test('reads nearly all of a market that writes its fields in one order', () => {
  const texts = generateTape({ seed: 7, events: 5000 }).map(event => JSON.stringify(event))
  const parser = new FastEventParser()
  const missed = texts.filter(text => {
    const event = read(parser, text)
    if (event === undefined) parser.learn(readSlowly(text)!)
    else expect(JSON.stringify(event)).toBe(text)
    return event === undefined && !text.startsWith('{"T":"n"')
  })
  expect(missed.length).toBeLessThan(100)
})

test('skips a type for a while after many failures', () => {
  const parser = learnt(trade)
  const other = trade.replace('"V"', '"Ä"')
  for (let tries = 0; tries < 16; tries++) read(parser, other)
  let left = 0
  while (read(parser, trade) === undefined) left++
  expect(left).toBe(1000)
})

test('reads what JSON.parse and the checks read, or leaves it to them, whatever the number', () => {
  const parser = learnt(trade)
  const numbers = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
    fc
      .tuple(fc.nat(), fc.integer({ min: 0, max: 9 }))
      .map(([value, places]) => (value / 10 ** places).toFixed(places)),
    fc.stringMatching(/^[-+.eE0-9]{1,18}$/),
  )
  fc.assert(
    fc.property(numbers, number => {
      const text = trade.replace('126.55', number)
      expect(read(parser, text) ?? readSlowly(text)).toStrictEqual(readSlowly(text))
    }),
    { numRuns: 5000 },
  )
})

test('reads ids that are texts as well as numbers, and symbols of any ASCII', () => {
  const options = trade.replace('AAPL', 'O:SPY  251219C+').replace('52983525029461', '"T-1/2"')
  for (const text of [options, trade, options]) {
    expect(JSON.stringify(read(learnt(trade), text))).toBe(text)
  }
})

test('reads what JSON.parse and the checks read, or leaves it to them, whatever the bytes', () => {
  const texts = generateTape({ seed: 11, events: 300 }).map(event => JSON.stringify(event))
  const parser = learnt(...texts)
  const places = fc.record({
    text: fc.constantFrom(...texts),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    removed: fc.integer({ min: 0, max: 4 }),
    inserted: fc.oneof(
      fc.string({ maxLength: 4 }),
      fc.constantFrom('"', ',', '0', '\\', '[', ']', '}', ',"p":1', '":', 'ä', '\u007f'),
    ),
  })
  fc.assert(
    fc.property(places, ({ text, at, removed, inserted }) => {
      const index = Math.floor(at * text.length)
      const mutant = text.slice(0, index) + inserted + text.slice(index + removed)
      expect(read(parser, mutant) ?? readSlowly(mutant)).toStrictEqual(readSlowly(mutant))
      // It shall not come to rest.
      parser.learn(readSlowly(text)!)
      read(parser, text)
    }),
    { numRuns: 20_000 },
  )
})
