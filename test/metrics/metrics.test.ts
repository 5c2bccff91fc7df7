import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { createEmbeddedLogStats } from '../../src/log/embedded/embedded-log-stats.ts'
import { createKafkaStats } from '../../src/log/kafka/kafka-stats.ts'
import type { Topics } from '../../src/log/topics.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { createTopics, deleteTopics, kafkaVariables } from '../support/topics.ts'

const document = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8')
/** Labels whose values the document cannot list. */
const open = new Set(['feed', 'topic', 'partition', 'version', 'node', 'kind'])

const brokers = inject('kafkaBrokers')
let topics: Topics
/** On Kafka: some metrics have no series on the embedded log. */
let gateway: TestGateway
let page: string

beforeAll(async () => {
  topics = await createTopics(brokers)
  gateway = await startTestGateway(kafkaVariables(brokers, topics))
  // Some wait for the first answers to fetches.
  await vi.waitUntil(async () => (page = await readPage()).includes('ticker_log_unstable_offsets{'), {
    timeout: 60_000,
  })
})

afterAll(async () => {
  await gateway?.stop()
  await deleteTopics(brokers, topics)
})

async function readPage(): Promise<string> {
  return (await fetch(`${gateway.operationsUrl}/metrics`)).text()
}

interface Metric {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly series: readonly Readonly<Record<string, string>>[]
}

/** The gateway's own metrics, as Prometheus reads them. */
function ownMetrics(): Metric[] {
  return [...page.matchAll(/^# HELP (ticker_\S+) (.*)\n# TYPE \S+ (\S+)$/gm)].map(
    ([, name = '', help = '', type = '']) => ({ name, help, type, series: seriesOf(name) }),
  )
}

function seriesOf(name: string): Record<string, string>[] {
  return [...page.matchAll(new RegExp(`^${name}(?:_bucket|_sum|_count)?(?:\\{(.*)\\})? `, 'gm'))].map(
    ([, labels = '']) =>
      Object.fromEntries(
        [...labels.matchAll(/(\w+)="([^"]*)"/g)]
          .map(([, label = '', value = '']) => [label, value] as const)
          .filter(([label]) => label !== 'le'),
      ),
  )
}

function labelsOf({ series }: Metric): string[] {
  return [...new Set(series.flatMap(labels => Object.keys(labels)))]
}

/** The cells of the rows of a table, by the heading above it. */
function tableUnder(heading: string): string[][] {
  const [, part = ''] = document.split(heading)
  const [table = ''] = /(?:^\|.*\n)+/m.exec(part) ?? []
  return table
    .trimEnd()
    .split('\n')
    .slice(2)
    .map(row => row.slice(2, -2).split(' | '))
}

describe('docs/metrics.md', () => {
  test('lists every metric of the gateway with its type, its labels and the words of its help', () => {
    const expected = ownMetrics().map(metric => {
      const end = metric.help.indexOf('. ')
      const labels = labelsOf(metric).map(label => `\`${label}\``)
      const words = [metric.help.slice(0, end), metric.help.slice(end + 2)]
      return [`\`${metric.name}\``, metric.type, labels.join(' '), ...words]
    })

    expect(expected).not.toEqual([])
    expect(tableUnder("## The gateway's metrics")).toEqual(expected)
  })

  test('lists the values of every label of a closed set', () => {
    const expected = ownMetrics().flatMap(metric =>
      labelsOf(metric)
        .filter(label => !open.has(label))
        .map(label => [metric.name, label, [...new Set(metric.series.map(labels => labels[label]))]]),
    )

    const listed = tableUnder('## Values of the labels').map(([name = '', label = '', values = '']) => [
      name.slice(1, -1),
      label.slice(1, -1),
      [...values.matchAll(/`([^`]+)`/g)].map(([, value]) => value),
    ])

    expect(listed).toEqual(expected)
  })

  test.each([
    ['With Kafka', createKafkaStats()],
    ['With the embedded log', createEmbeddedLogStats()],
  ])('lists every kind of ticker_log_total and what it counts: %s', (heading, stats) => {
    const kinds = tableUnder(heading)

    expect(kinds.map(([kind]) => kind)).toEqual(Object.keys(stats).map(kind => `\`${kind}\``))
    expect(kinds.filter(([, meaning]) => meaning === '')).toEqual([])
  })

  test('lists what is not summed over several workers, by rule', async () => {
    const metrics = await gateway.controls.registry.getMetricsAsJSON()
    const expected = ['max', 'min', 'first'].map(rule =>
      metrics
        .filter(({ name, aggregator }) => name.startsWith('ticker_') && aggregator === rule)
        .map(({ name }) => name)
        .toSorted(),
    )

    const listed = tableUnder('<!-- worker rules -->').map(([, names = '']) =>
      [...names.matchAll(/`(ticker_\w+)`/g)].map(([, name = '']) => name).toSorted(),
    )

    expect(listed).toEqual(expected)
  })

  test('says of every metric and kind what a change suggests', () => {
    const tables = ["## The gateway's metrics", 'With Kafka', 'With the embedded log'].flatMap(tableUnder)

    expect(tables.filter(row => row.at(-1) === '')).toEqual([])
  })
})
