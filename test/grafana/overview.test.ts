import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { channels } from '../../src/event/event.ts'
import { createEmbeddedLogStats } from '../../src/log/embedded/embedded-log-stats.ts'
import { createKafkaStats } from '../../src/log/kafka/kafka-stats.ts'
import type { Topics } from '../../src/log/topics.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { type Prometheus, runPromtool, startPrometheus } from '../support/prometheus.ts'
import { ResumingClient } from '../support/resuming-client.ts'
import { StreamClient } from '../support/stream-client.ts'
import { createTopics, deleteTopics, kafkaVariables } from '../support/topics.ts'
import { charts, dashboard, expressions, metricNames, readGrafanaFile } from './dashboard.ts'

/** Longer than all scrapes of the tests, so that a slow machine leaves enough of them in it. */
const rateInterval = '1m'
const scrapes = 4
const patience = { timeout: 60_000 }

const everyExpression = charts.flatMap(chart => expressions(chart, rateInterval))

/** prom-client's own names, which its users' dashboards know. */
const excused = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
].map(name => `${name} non-counter metrics should not have "_total" suffix`)

const brokers = inject('kafkaBrokers')
let topics: Topics
/** One on the embedded log with the demo feed and subscribers, one on an idle Kafka. */
let demo: TestGateway
let idle: TestGateway
let clients: StreamClient[]
let prometheus: Prometheus

beforeAll(async () => {
  topics = await createTopics(brokers)
  ;[demo, idle] = await Promise.all([
    startTestGateway({ TICKER_DEMO: 'on' }),
    startTestGateway(kafkaVariables(brokers, topics)),
  ])
  clients = [await subscribe(['trades', 'quotes']), await subscribe(channels)]
  prometheus = await startPrometheus({
    'prometheus.yml': adapt(readGrafanaFile('prometheus.yml')),
    'alerts.yml': readGrafanaFile('alerts.yml'),
  })
  await scraped(1)
  await resume()
  await scraped(scrapes)
})

/** Resolves when both gateways were scraped so often. */
async function scraped(times: number): Promise<void> {
  const query = `count(count_over_time(ticker_ready[1m]) >= ${times})`
  await vi.waitUntil(async () => (await prometheus.query(query))[0]?.value === 2, patience)
}

/** A client that loses its connection, and goes on where it was. */
async function resume(): Promise<void> {
  const client = new ResumingClient({ trades: ['*'] })
  await client.connect(demo.streamUrl, await demo.token())
  client.cut()
  await client.connect(demo.streamUrl, await demo.token())
  await vi.waitUntil(() => client.resumes === 1, patience)
  client.cut()
}

afterAll(async () => {
  await prometheus?.stop()
  for (const client of clients ?? []) await client.close()
  await Promise.all([demo?.stop(), idle?.stop()])
  await deleteTopics(brokers, topics)
})

async function subscribe(names: readonly string[]): Promise<StreamClient> {
  const client = await StreamClient.open(demo.streamUrl, await demo.token())
  await client.subscribe(Object.fromEntries(names.map(name => [name, ['*']])))
  return client
}

/** The shipped configuration, on our gateways and with scrapes every second. */
function adapt(configuration: string): string {
  const adapted = configuration
    .replace(`targets: ['127.0.0.1:9464']`, `targets: ${JSON.stringify(nodes())}`)
    .replaceAll(' 15s', ' 1s')
  expect(adapted.match(/ 1s$/gm)).toHaveLength(2)
  return adapted
}

/** The gateways by the names that Prometheus gives them. */
function nodes(): string[] {
  return [demo, idle].map(({ operationsUrl }) => new URL(operationsUrl).host)
}

function readMetrics(gateway: TestGateway): Promise<string> {
  return fetch(`${gateway.operationsUrl}/metrics`).then(response => response.text())
}

/** The names of the metrics in a page of them. */
function declaredNames(page: string): string[] {
  return [...page.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name]) => name ?? '')
}

/** The metric that a name belongs to: a histogram has several. */
function family(name: string): string {
  return name.replace(/_(?:bucket|count|sum)$/, '')
}

describe('the dashboard', () => {
  test.each(charts)('shows data in the panel "$title"', async chart => {
    const empty: string[] = []
    for (const expression of expressions(chart, rateInterval)) {
      const samples = await prometheus.query(expression)
      if (!samples.some(({ value }) => Number.isFinite(value))) empty.push(expression)
    }

    expect(empty).toEqual([])
  })

  test('leaves no variable in an expression that it does not define', () => {
    expect(everyExpression.filter(expression => expression.includes('$'))).toEqual([])
    expect(dashboard.templating.list.map(({ name }) => name)).toEqual(['datasource', 'instance', 'feed'])
  })

  test('offers every gateway as a node', async () => {
    const [, instance] = dashboard.templating.list
    const [, metric, label] = /label_values\((\w+), (\w+)\)/.exec(JSON.stringify(instance?.query)) ?? []

    const found = await prometheus.query(`count by (${label}) (${metric})`)

    expect(new Set(found.map(({ labels }) => labels['instance']))).toEqual(new Set(nodes()))
  })

  test('has a panel for every metric of the gateway', async () => {
    const shown = new Set(everyExpression.flatMap(metricNames).map(family))

    const ours = declaredNames(await readMetrics(demo)).filter(name => name.startsWith('ticker_'))

    expect(ours.filter(name => !shown.has(name))).toEqual([])
  })

  test('has no panel for a metric that is not there', async () => {
    const known = new Set(declaredNames(await readMetrics(demo)))

    const read = everyExpression.flatMap(metricNames)

    expect(read.filter(name => !known.has(name) && !known.has(family(name)))).toEqual([])
  })

  test('shows each kind of ticker_log_total in one panel', () => {
    const shown = everyExpression
      .filter(expression => expression.includes('ticker_log_total'))
      .flatMap(expression => /kind=~?"([^"]*)"/.exec(expression)?.[1]?.split('|') ?? [])

    expect(shown.toSorted()).toEqual(
      Object.keys({ ...createKafkaStats(), ...createEmbeddedLogStats() }).toSorted(),
    )
  })

  test('says of every panel what it shows, in which unit, and what to do', () => {
    const silent = charts.filter(
      ({ title, description, fieldConfig }) =>
        title === '' || (description ?? '').length < 80 || fieldConfig?.defaults.unit === undefined,
    )

    expect(silent.map(({ title }) => title)).toEqual([])
  })

  test('reads every panel from the chosen data source', () => {
    const sources = charts.flatMap(({ datasource, targets = [] }) => [
      datasource?.uid,
      ...targets.map(target => target.datasource.uid),
    ])

    expect(new Set(sources)).toEqual(new Set(['${datasource}']))
  })

  test('puts no panel over another', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)} ${y + Math.floor(index / w)}`),
    )

    expect(new Set(cells).size).toBe(cells.length)
    expect(Math.max(...dashboard.panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24)
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
  })
})

describe('Prometheus', () => {
  test('finds nothing wrong with our metrics', async () => {
    for (const gateway of [demo, idle]) {
      const { lines } = await runPromtool(['check', 'metrics'], await readMetrics(gateway))

      expect(lines).toEqual(excused)
    }
  })

  test('reads every gateway without an error', async () => {
    const { activeTargets } = (await prometheus.get('targets?state=active')) as {
      activeTargets: { health: string; lastError: string }[]
    }

    expect(activeTargets.map(({ health, lastError }) => ({ health, lastError }))).toEqual([
      { health: 'up', lastError: '' },
      { health: 'up', lastError: '' },
    ])
  })

  test('evaluates every alert; each says how bad it is, what happens and what to do', async () => {
    const { groups } = (await prometheus.get('rules')) as { groups: { rules: Rule[] }[] }
    const rules = groups.flatMap(group => group.rules)

    expect(rules.length).toBe(readGrafanaFile('alerts.yml').match(/- alert:/g)?.length)
    for (const { name, query, health, lastError, labels, annotations } of rules) {
      const { severity } = labels
      expect({ name, health, lastError, severity, says: Object.keys(annotations).toSorted() }).toEqual({
        name,
        health: 'ok',
        lastError: undefined,
        severity: expect.stringMatching(/^(critical|warning)$/),
        says: ['description', 'summary'],
      })
      await prometheus.query(query)
    }
  })

  test('has the series that the alerts read', async () => {
    const selectors = readGrafanaFile('alerts.yml').match(/\bup\{[^}]*\}|\bticker_\w+(?:\{[^}]*\})?/g) ?? []
    const absent: string[] = []
    for (const selector of new Set(selectors)) {
      if ((await prometheus.query(selector)).length === 0) absent.push(selector)
    }

    expect(selectors.length).toBeGreaterThan(10)
    expect(absent).toEqual([])
  })
})

interface Rule {
  readonly name: string
  readonly query: string
  readonly health: string
  readonly lastError?: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
}
