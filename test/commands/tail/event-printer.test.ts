import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { EventPrinter, type EventPrinterOptions } from '../../../src/commands/tail/event-printer.ts'
import { readFrame } from '../../../src/commands/tail/stream-message.ts'
import { clockOf } from '../../support/test-clock.ts'

function printer(options: Partial<EventPrinterOptions>): {
  take: (frame: string) => number
  printed: () => string
} {
  const output = new PassThrough()
  const eventPrinter = new EventPrinter({
    format: 'text',
    count: Number.POSITIVE_INFINITY,
    output,
    paint: (_style, text) => text,
    clock: clockOf(() => Date.parse('2026-01-31T15:00:00Z')),
    ...options,
  })
  return {
    take: frame => eventPrinter.printFrame(frame, readFrame(frame) ?? []),
    printed: () => String(output.read() ?? ''),
  }
}

const status = (symbol: string) => `{"T":"s","S":"${symbol}","sc":"T","t":"2026-01-31T14:30:00Z"}`
const line = (symbol: string) => `14:30:00.000  statuses      ${symbol.padEnd(8)}  T`

describe('an event printer', () => {
  test('prints a line for each event of a frame, and none for other messages', () => {
    const { take, printed } = printer({})
    expect(take(`[{"T":"heartbeat"},${status('A')},{"T":"future"},${status('B')}]`)).toBe(2)
    expect(printed()).toBe(`${line('A')}\n${line('B')}\n`)
  })

  test('marks the events of a snapshot', () => {
    const { take, printed } = printer({})
    take(`[{"T":"snapshot","events":[${status('A')}],"complete":true}]`)
    expect(printed()).toBe(`${line('A')}  snapshot\n`)
  })

  test('prints JSON with every field as it came, also those it does not know', () => {
    const { take, printed } = printer({ format: 'json' })
    take(`[{"T":"t","S":"A","p":1.50,"later":{"x":[1]}}]`)
    expect(printed()).toBe('{"T":"t","S":"A","p":1.5,"later":{"x":[1]}}\n')
  })

  test('prints frames as they came', () => {
    const { take, printed } = printer({ format: 'wire' })
    take('[ {"T":"heartbeat"} ]')
    expect(printed()).toBe('[ {"T":"heartbeat"} ]\n')
  })

  test('prints no more than it should, in the middle of a frame', () => {
    const { take, printed } = printer({ count: 2 })
    expect(take(`[${status('A')},${status('B')},${status('C')}]`)).toBe(2)
    expect(printed()).toBe(`${line('A')}\n${line('B')}\n`)
  })

  test('says what is no event instead of hiding it', () => {
    const { take, printed } = printer({})
    take('[{"T":"t","S":"A"}]')
    expect(printed()).toBe('not an event: {"T":"t","S":"A"}\n')
  })
})

test('a frame that is no array of messages has none', () => {
  expect([readFrame('x'), readFrame('{}'), readFrame('[1,null,{"T":7},{}]')]).toEqual([
    undefined,
    undefined,
    [],
  ])
})
