import { describe, expect, test } from 'vitest'
import { Findings } from '../../../src/commands/publish/findings.ts'
import {
  describeBadLines,
  describeContent,
  describeMissing,
  describeNextLine,
  describePublished,
  describeUnknownFields,
} from '../../../src/commands/publish/publish-report.ts'
import type { MarketEvent } from '../../../src/event/event.ts'
import { Acknowledgements } from '../../../src/commands/publish/append-window.ts'

const trade: MarketEvent = { T: 't', S: 'A', p: 1, s: 1, t: '2026-01-31T14:30:00Z' }
const quote: MarketEvent = { T: 'q', S: 'A', bp: 1, bs: 1, ap: 1, as: 1, t: '2026-01-31T14:30:01Z' }

test('lists bad lines by file and line, then how many there are of each kind', () => {
  const findings = new Findings()
  findings.add(1, { kind: 'event', event: trade, unknown: [], repaired: [] })
  for (let line = 2; line < 25; line += 1) {
    const rule = line === 2 ? 'not JSON' : 't.p: expected a number'
    findings.add(line, { kind: 'bad', fault: { rule, message: `t.p="${line}": expected a number` } })
  }
  const lines = describeBadLines(findings, 'tape.jsonl')
  expect(lines[0]).toBe('tape.jsonl:2: t.p="2": expected a number')
  expect(lines.slice(19)).toEqual([
    'tape.jsonl:21: t.p="21": expected a number',
    '… and 3 more',
    '23 bad lines of 24:',
    '  22 × t.p: expected a number',
    '  1 × not JSON',
  ])
})

test('says nothing of bad lines and unknown fields where there are none', () => {
  expect(describeBadLines(new Findings(), 'x')).toEqual([])
  expect(describeUnknownFields(new Findings())).toEqual([])
})

test('names unknown fields, the most frequent first', () => {
  const findings = new Findings()
  findings.add(1, { kind: 'event', event: trade, unknown: ['a'], repaired: [] })
  for (let line = 2; line < 2000; line += 1)
    findings.add(line, { kind: 'event', event: quote, unknown: ['b'], repaired: [] })
  expect(describeUnknownFields(findings)).toEqual(['unknown fields, not published: q.b (1,998 ×), t.a (1 ×)'])
})

test('no file steers the terminal', () => {
  const findings = new Findings()
  findings.add(1, { kind: 'bad', fault: { rule: 'r', message: 'm\u001B[2J\u009B0m' } })
  expect(describeBadLines(findings, 'x')[0]).toBe('x:1: m�[2J�0m')
})

test('says what a file holds, and from when to when', () => {
  const findings = new Findings()
  findings.add(1, { kind: 'event', event: trade, unknown: [], repaired: [] })
  findings.add(2, { kind: 'event', event: quote, unknown: [], repaired: [] })
  expect(describeContent(findings, 'x')).toEqual([
    'x: 2 lines, 2 events, 2026-01-31T14:30:00Z to 2026-01-31T14:30:01Z',
    '  trades                             1',
    '  quotes                             1',
  ])
})

test('says what lies in the log now, by channel and by partition', () => {
  const acknowledgements = new Acknowledgements()
  const partition = { topic: 'market.trades', partition: 3 }
  const events = Array.from({ length: 1200 }, (_, index) => ({ line: index + 1, event: trade }))
  acknowledgements.settle(
    acknowledgements.begin(events),
    events.map((_, offset) => ({ position: { partition, epoch: 'e', offset: offset + 7 } })),
  )
  expect(describePublished({ acknowledgements, target: 'Kafka at b:1', durationMs: 2000 })).toEqual([
    'published 1,200 events in 2.0 s (600/s) to Kafka at b:1',
    '  trades                         1,200',
    'at these offsets:',
    '  market.trades/3                1,200  7..1206',
  ])
})

describe('what is missing', () => {
  const missing = [
    { firstLine: 5, lastLine: 5, count: 1, isAbsent: true },
    { firstLine: 8, lastLine: 12, count: 4, isAbsent: false },
  ]

  test('is reported in ranges of lines, with the reasons', () => {
    expect(describeMissing(missing, new Map([['no leader', 5]]))).toEqual([
      '1 event NOT published:',
      '  line 5 (1 event)',
      '4 events NOT acknowledged, so perhaps published and perhaps not:',
      '  lines 8 to 12 (4 events)',
      '5 × no leader',
    ])
    expect(describeMissing([], new Map())).toEqual([])
  })

  test('decides where to go on', () => {
    expect(describeNextLine(13, [])).toBe('every line before 13 is published; continue with --from-line 13')
    expect(describeNextLine(13, missing)).toBe(
      'every line before 5 is published; --from-line 5 continues there, and publishes later events that have reached the log a second time',
    )
  })
})
