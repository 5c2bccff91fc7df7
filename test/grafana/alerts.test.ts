import { fileURLToPath } from 'node:url'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { runPromtool } from '../support/prometheus.ts'
import { readGrafanaFile } from './dashboard.ts'

const scenarios = new URL('alert-scenarios.yml', import.meta.url)

test('the configuration and the rules are valid', async () => {
  const configuration = fileURLToPath(new URL('../../grafana/prometheus.yml', import.meta.url))

  const { code, lines } = await runPromtool(['check', 'config', configuration])

  expect(lines.filter(line => line.includes('FAILED'))).toEqual([])
  expect(code).toBe(0)
})

test('alerts fire when they should and stay silent when they should', async () => {
  const { code, lines } = await runPromtool(['test', 'rules', fileURLToPath(scenarios)])

  expect({ code, lines: lines.join('\n') }).toEqual({ code: 0, lines: expect.stringContaining('SUCCESS') })
  // Some hours of every alert: 10 s of a core.
})

test('every alert has a scenario in which it fires', () => {
  const alerts = [...readGrafanaFile('alerts.yml').matchAll(/- alert: (\w+)/g)].map(([, name]) => name)
  const text = readFileSync(scenarios, 'utf8')

  expect(alerts).not.toEqual([])
  expect(alerts.filter(name => !text.includes(`alertname="${name}"`))).toEqual([])
})
