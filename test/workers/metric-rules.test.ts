import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { metricRules, ruleOf } from '../../src/workers/metric-rules.ts'

const document = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')

/** Gauges of which each worker has a part. */
const parts = [
  'ticker_connections',
  'ticker_sessions',
  'ticker_sessions_behind',
  'ticker_handshakes_open',
  'ticker_audiences',
  'ticker_publish_pending_events',
  'ticker_conflating_audiences',
  'ticker_resumes_waiting',
  'ticker_reread_bytes',
  'ticker_reread_pieces_under_way',
]

/**
 * The metrics of the document by name, with their type; `test/metrics/metrics.test.ts` holds it to those that
 * there are.
 */
const metrics = new Map(
  [...document.matchAll(/^\| `(ticker_\w+)` \| (counter|gauge|histogram) \|/gm)].map(([, name, type]) => [
    name!,
    type!,
  ]),
)

test('every gauge is put together as its meaning demands, which somebody has decided', () => {
  const summed = [...metrics].filter(([name, type]) => type === 'gauge' && ruleOf(name) === 'sum')
  expect(summed.map(([name]) => name).toSorted()).toEqual(parts.toSorted())
})

test('every rule is of a metric that there is', () => {
  expect(Object.keys(metricRules).filter(name => !metrics.has(name))).toEqual([])
})

test('docs/metrics.md lists what is not summed, by rule', () => {
  const [, table = ''] = /<!-- worker rules -->\n([^]*?)<!-- \/worker rules -->/.exec(document) ?? []
  const rows = table.trimEnd().split('\n').slice(2)
  const listed = rows.map(row => [...row.matchAll(/`(ticker_\w+)`/g)].map(([, name]) => name))
  const rules = ['most', 'least', 'primary'].map(rule =>
    Object.keys(metricRules).filter(name => metricRules[name] === rule),
  )
  expect(listed).toEqual(rules)
})
