import { expect, test } from 'vitest'
import { Findings } from '../../../src/commands/publish/findings.ts'
import type { LineContent } from '../../../src/commands/publish/event-lines.ts'
import type { MarketEvent } from '../../../src/event/event.ts'

function event(of: MarketEvent, unknown: readonly string[] = []): LineContent {
  return { kind: 'event', event: of, unknown, repaired: [] }
}

function bad(rule: string): LineContent {
  return { kind: 'bad', fault: { rule, message: `${rule}!` } }
}

const trade: MarketEvent = { T: 't', S: 'A', p: 1, s: 1, t: '2026-01-31T14:30:00Z' }
const article: MarketEvent = { T: 'n', id: 1, headline: 'h', created_at: '2026-01-31T14:31:00Z', symbols: [] }

test('counts lines, events by channel, and remembers the first and the last time', () => {
  const findings = new Findings()
  for (const [index, content] of [
    event(trade),
    { kind: 'blank' } as const,
    event(trade),
    event(article),
  ].entries()) {
    findings.add(index + 1, content)
  }
  expect(findings).toMatchObject({ lines: 4, events: 3, bad: 0 })
  expect(Object.fromEntries(findings.byChannel)).toEqual({ trades: 2, news: 1 })
  expect(findings.times).toEqual({ first: '2026-01-31T14:30:00Z', last: '2026-01-31T14:31:00Z' })
})

test('keeps the first 20 bad lines and counts all by their rule', () => {
  const findings = new Findings()
  for (let line = 1; line <= 50; line += 1) findings.add(line, bad(line % 2 === 0 ? 'even' : 'odd'))
  expect(findings.badLines.map(({ line }) => line)).toEqual(
    Array.from({ length: 20 }, (_, index) => index + 1),
  )
  expect(Object.fromEntries(findings.badByRule)).toEqual({ even: 25, odd: 25 })
  expect(findings.bad).toBe(50)
})

test('counts unknown fields by event type, and stays small whatever they are called', () => {
  const findings = new Findings()
  findings.add(1, event(trade, ['venue', 'foo']))
  findings.add(2, event(article, ['venue']))
  findings.add(3, event(trade, ['venue']))
  expect(Object.fromEntries(findings.unknownFields)).toEqual({ 't.venue': 2, 't.foo': 1, 'n.venue': 1 })
  for (let line = 4; line < 5000; line += 1) findings.add(line, event(trade, [`field${line}`]))
  expect(findings.unknownFields.size).toBe(1000)
})
