import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { eventFields, eventSchema } from '../../src/event/event-fields.ts'
import schemaFile from '../../src/event/event.schema.json' with { type: 'json' }
import { EventFault, type FieldRepair, parseEvent, unknownFields } from '../../src/event/parse-event.ts'
import { generateTape } from '../support/tape.ts'

const trade = { T: 't', S: 'AAPL', p: 126.55, s: 1, t: '2021-02-22T15:51:44.208Z' }
const article = { T: 'n', id: 1, headline: 'h', created_at: trade.t, symbols: ['AAPL'] }
const ajv = new Ajv2020({ strict: false, formats: { 'date-time': true } })
const matchesSchema = ajv.compile(schemaFile)

/** The examples of Alpaca's documentation, verbatim. */
const examples = [
  '{"T":"t","i":96921,"S":"AAPL","x":"D","p":126.55,"s":1,"t":"2021-02-22T15:51:44.208Z","c":["@","I"],"z":"C"}',
  '{"T":"q","S":"AMD","bx":"U","bp":87.66,"bs":1,"ax":"Q","ap":87.68,"as":4,"t":"2021-02-22T15:51:45.335689322Z","c":["R"],"z":"C"}',
  '{"T":"b","S":"SPY","o":388.985,"h":389.13,"l":388.975,"c":389.12,"v":49378,"t":"2021-02-22T19:15:00Z"}',
]

describe('parseEvent', () => {
  test.each(examples)('takes %s as it is', text => {
    const value: unknown = JSON.parse(text)
    expect(parseEvent(value)).toBe(value)
  })

  test.each([
    [{ ...trade, p: 'x' }, 'field', 't.p="x": expected a number between -(2^53 - 1) and 2^53 - 1'],
    [{ ...trade, p: Number.NaN }, 'field', 't.p=NaN: expected a number between -(2^53 - 1) and 2^53 - 1'],
    [{ ...trade, s: -1 }, 'field', 't.s=-1: expected a number from 0 to 2^53 - 1'],
    [{ ...trade, i: 2 ** 53 }, 'field', /^t\.i=9007199254740992: expected a whole number/],
    [{ ...trade, i: 1.5 }, 'field', /^t\.i=1\.5: expected a whole number from 0 to 2\^53 - 1, or a text/],
    [{ ...trade, s: 2 ** 60 }, 'field', 't.s=1152921504606847000: expected a number from 0 to 2^53 - 1'],
    [{ T: 't', S: 'AAPL', p: 1, s: 1 }, 'field', /^t\.t: missing; expected an RFC 3339 time/],
    [
      { ...trade, t: '2021-02-30T00:00:00Z' },
      'field',
      /^t\.t="2021-02-30T00:00:00Z": expected an RFC 3339 time/,
    ],
    [{ ...trade, S: 'A A ' }, 'field', /^t\.S="A A ": expected a symbol/],
    [{ ...trade, S: 'A\ud83d' }, 'field', /^t\.S="A\ufffd": expected a symbol/],
    [{ ...trade, i: '' }, 'field', /^t\.i="": expected a whole number from 0 to 2\^53 - 1, or a text/],
    [
      { T: 'q', S: 'AAPL', ap: 1, as: 1, t: trade.t },
      'field',
      /^q\.bp: missing; expected a number between .* \(0 on a side without orders\)$/,
    ],
    [{ ...trade, S: '*' }, 'field', /^t\.S="\*": expected a symbol/],
    [{ ...trade, c: '@' }, 'field', /^t\.c="@": expected at most 16, each a text/],
    [{ ...trade, T: 'toString' }, 'type', 'T="toString": expected one of t q b u d s l c x n'],
    [[trade], 'type', /expected a JSON object$/],
    [null, 'type', 'event=null: expected a JSON object'],
  ])('refuses %j', (value, reason, message) => {
    const fault = parseEvent(value)
    expect(fault).toBeInstanceOf(EventFault)
    expect(fault).toMatchObject({ reason })
    if (fault instanceof EventFault) {
      if (typeof message === 'string') expect(fault.message).toBe(message)
      else expect(fault.message).toMatch(message)
    }
  })

  /**
   * Cause: the message shows the value by `JSON.stringify`, which recurses into objects with numbered
   * members.
   * Symptom: a RangeError instead of the fault.
   * Seen: when bodies of POST /v1/events were fuzzed.
   */
  test('explains a fault in a value that is nested too deeply to be shown', () => {
    const deep: unknown = JSON.parse(`${'{"1":'.repeat(100_000)}0${'}'.repeat(100_000)}`)
    expect(parseEvent({ ...trade, p: deep })).toMatchObject({
      message: 't.p=an object: expected a number between -(2^53 - 1) and 2^53 - 1',
    })
  })

  test('cuts a long value short in its message, and keeps every value out of the rule', () => {
    const fault = parseEvent({ ...trade, S: 'secret'.repeat(1000) })
    if (!(fault instanceof EventFault)) throw new Error('expected a fault')
    expect(fault.message.length).toBeLessThan(250)
    expect(fault.rule).not.toContain('secret')
  })

  test('leaves out fields that the schema does not know, and nulls of optional ones', () => {
    const value: unknown = JSON.parse(
      `{"T":"t","S":"AAPL","p":1,"s":1,"t":"${trade.t}","__proto__":{"x":1},"extra":2,"z":null}`,
    )
    expect(parseEvent(value)).toEqual({ T: 't', S: 'AAPL', p: 1, s: 1, t: trade.t })
    expect(unknownFields(value)).toEqual(['__proto__', 'extra'])
  })

  test.each([
    '2021-02-22T15:51:44Z',
    '2021-02-22T15:51:44.1Z',
    '2021-02-22T15:51:44.123456780Z',
    '2021-02-22T15:51:44.208+05:30',
    '2024-02-29T23:59:59Z',
    '2016-12-31T23:59:60Z',
    '2016-12-31T23:59:60.999999999Z',
  ])('keeps the time %s with its digits', t => {
    expect(parseEvent({ ...trade, t })).toEqual({ ...trade, t })
  })

  test.each([
    '2021-02-22T15:51:44',
    '2021-02-22 15:51:44Z',
    '2023-02-29T00:00:00Z',
    '2021-13-01T00:00:00Z',
    '2021-01-01T24:00:00Z',
    '2021-01-01T22:59:60Z',
    '2021-01-01T23:59:61Z',
    '2021-02-30T23:59:60Z',
    '2021-01-01T00:00:00.1234567891Z',
  ])('refuses the time %s', t => {
    expect(parseEvent({ ...trade, t })).toBeInstanceOf(EventFault)
  })

  /** What an event becomes, and what it loses thereby. */
  function repairedEvent(value: unknown) {
    const repairs: FieldRepair[] = []
    const event = parseEvent(value, repair => repairs.push(repair))
    return { event, repairs }
  }

  // Cause: each symbol of an article had to be well-formed, and at most 256 were taken.
  // Symptom: one malformed symbol, or the 257th, made the whole article poison.
  // Seen: an article with 300 symbols, published from outside (issue 13).
  test('an article keeps its good symbols, and the others are named', () => {
    const good = Array.from({ length: 300 }, (_, index) => `S${index}`)
    const symbols = [...good.slice(0, 150), 'A,B', ...good.slice(150), '*', 7, null, '\ud83d']
    const { event, repairs } = repairedEvent({ ...article, symbols })
    expect(event).toEqual({ ...article, symbols: good })
    expect(repairs).toEqual([
      {
        field: 'n.symbols',
        kind: 'symbol',
        count: 5,
        message: expect.stringMatching(/^dropped 5 of 305 \("A,B" "\*" 7 null "\ufffd"\): expected a symbol/),
      },
    ])
    const bad = Array.from({ length: 1024 }, () => ','.repeat(1000))
    const flood = repairedEvent({ ...article, symbols: bad })
    expect(flood.repairs[0]!.message.length).toBeLessThan(1000)
    expect(flood.event).toEqual({ ...article, symbols: [] })
    expect(parseEvent({ ...article, symbols: [...bad, ','] })).toBeInstanceOf(EventFault)
  })

  // Cause: half a surrogate pair, which JSON can escape and UTF-8 cannot say, was passed on.
  // Symptom: strict readers refused the frame, and again whenever they resumed.
  // Seen: a headline that a producer had cut in the middle of an emoji (issue 13).
  test.each([
    ['a headline', { ...article, headline: 'up \ud83d' }, { headline: 'up \ufffd' }],
    ['an id', { ...article, id: '\udc00' }, { id: '\ufffd' }],
    ['a trade id', { ...trade, i: 'a\udc00' }, { i: 'a\ufffd' }],
    ['an exchange', { ...trade, x: '\ud83d' }, { x: '\ufffd' }],
    ['a condition', { ...trade, c: ['@', '\ud83d', 'I'] }, { c: ['@', '\ufffd', 'I'] }],
  ])('half a surrogate pair in %s becomes U+FFFD', (_where, value, expected) => {
    const { event, repairs } = repairedEvent(value)
    expect(event).toEqual({ ...value, ...expected })
    expect(repairs).toMatchObject([{ kind: 'text', count: 1, field: expect.stringMatching(/^[nt]\./) }])
    expect(parseEvent(event)).toBe(event)
  })

  test('a symbol is passed on in NFC, without a warning', () => {
    expect(repairedEvent({ ...trade, S: 'E\u0301' })).toEqual({ event: { ...trade, S: 'É' }, repairs: [] })
    const both = { ...article, symbols: ['A', 'E\u0301'] }
    expect(repairedEvent(both)).toEqual({ event: { ...article, symbols: ['A', 'É'] }, repairs: [] })
  })

  test('takes every event of a generated tape as it is', () => {
    for (const event of generateTape({ seed: 7, symbols: 50, events: 5000 }))
      expect(parseEvent(event)).toBe(event)
  })
})

describe('the JSON Schema', () => {
  test('in the file is the one that the table makes (npm run schema writes it)', () => {
    expect(schemaFile).toEqual(eventSchema())
  })

  test('accepts what the gateway accepts', () => {
    for (const event of generateTape({ seed: 8, symbols: 50, events: 2000 })) {
      expect([event, matchesSchema(event)]).toEqual([event, true])
    }
  })

  test('and the gateway agree on damaged events', () => {
    const tape = [...generateTape({ seed: 9, symbols: 20, events: 300 })]
    const junk = fc.oneof(
      fc.constantFrom(
        null,
        -1,
        2 ** 53,
        1.5,
        '',
        'x'.repeat(3000),
        '*',
        [],
        ['a'],
        {},
        true,
        '2021-02-22T15:51:44Z',
      ),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.nat(tape.length - 1), fc.nat(20), junk, (index, place, value) => {
        const event: Record<string, unknown> = { ...tape[index] }
        const fields = eventFields[event['T'] as keyof typeof eventFields]
        event[fields[place % fields.length]!.name] = value
        expect(!(parseEvent(event) instanceof EventFault)).toBe(matchesSchema(event))
      }),
      { numRuns: 3000 },
    )
  })
})
