import { describe, expect, test } from 'vitest'
import { type LineContent, maxLineBytes, readLine } from '../../../src/commands/publish/event-lines.ts'

const trade = '{"T":"t","S":"AAPL","p":1,"s":1,"t":"2026-01-31T14:30:00Z"}'

function read(text: string | Buffer, { number = 2, maxEventBytes = 262_144 } = {}): LineContent {
  return readLine({ number, bytes: Buffer.from(text), end: 0 }, maxEventBytes)
}

function faultOf(content: LineContent): string {
  return content.kind === 'bad' ? content.fault.message : content.kind
}

describe('a line', () => {
  test('holds an event, perhaps with a carriage return behind it', () => {
    expect(read(`${trade}\r`)).toEqual({ kind: 'event', event: JSON.parse(trade), unknown: [], repaired: [] })
  })

  test('that is empty holds nothing', () => {
    expect(read('')).toEqual({ kind: 'blank' })
    expect(read(' \t\r')).toEqual({ kind: 'blank' })
  })

  test('names the fields that no event has, and those alone', () => {
    const content = read(`${trade.slice(0, -1)},"venue":"X","c":null}`)
    expect(content).toEqual({ kind: 'event', event: JSON.parse(trade), unknown: ['venue'], repaired: [] })
  })

  test('tells what of its event was mended', () => {
    const article = String.raw`{"T":"n","id":1,"headline":"\ud83d","created_at":"2026-01-31T14:30:00Z","symbols":["A","B,C"]}`
    expect(read(article)).toMatchObject({
      event: { headline: '\ufffd', symbols: ['A'] },
      repaired: [
        'n.headline: half a surrogate pair became U+FFFD',
        expect.stringMatching(/^n\.symbols: dropped 1 of 2 \("B,C"\): expected a symbol/),
      ],
    })
  })

  test('may begin with a byte order mark if it is the first', () => {
    expect(read(`\uFEFF${trade}`, { number: 1 }).kind).toBe('event')
    expect(faultOf(read(`\uFEFF${trade}`))).toMatch(/^not JSON: /)
  })

  test.for([
    ['{"T":"t"', /^not JSON: /],
    ['[]', /^event=\[\]: expected a JSON object$/],
    ['{"T":"y"}', /^T="y": expected one of /],
    ['{"T":"t","S":"A","p":"x","s":1,"t":"2026-01-31T14:30:00Z"}', /^t\.p="x": expected a number/],
    ['{"T":"t","S":"A"}', /^t\.p: missing; expected a number/],
  ] as const)('%s is bad', ([text, fault]) => {
    expect(faultOf(read(text))).toMatch(fault)
  })

  test('that is not UTF-8 is bad', () => {
    expect(faultOf(read(Buffer.from([0x22, 0xff, 0x22])))).toBe('not UTF-8')
  })

  test('longer than any line is kept is bad', () => {
    const content = readLine({ number: 1, bytes: undefined, end: 0 }, 262_144)
    expect(faultOf(content)).toBe(`longer than ${maxLineBytes} bytes`)
  })
})

describe('an event larger than a gateway takes', () => {
  const news = (content: string) =>
    JSON.stringify({ T: 'n', id: 1, headline: 'h', created_at: '2026-01-31T14:30:00Z', content, symbols: [] })
  const overhead = Buffer.byteLength(news(''))

  test('is bad from the first byte on', () => {
    expect(read(news('x'.repeat(1000 - overhead)), { maxEventBytes: 1000 }).kind).toBe('event')
    expect(faultOf(read(news('x'.repeat(1001 - overhead)), { maxEventBytes: 1000 }))).toBe(
      'event: larger than TICKER_MAX_EVENT_BYTES=1000, which a gateway skips',
    )
  })

  test('is measured as the log will hold it, without white space and unknown fields', () => {
    const text = news('x'.repeat(1000 - overhead)).replace(
      '{',
      `{${' '.repeat(5000)}"unknown":"${'y'.repeat(5000)}",`,
    )
    expect(read(text, { maxEventBytes: 1000 }).kind).toBe('event')
  })
})
