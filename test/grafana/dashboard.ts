import { readFileSync } from 'node:fs'

/** What the tests need of a panel of `grafana/overview.json`. */
export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly datasource?: { readonly uid: string }
  readonly targets?: readonly {
    readonly expr: string
    readonly legendFormat: string
    readonly datasource: { readonly uid: string }
  }[]
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string } }
}

interface Dashboard {
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] }
}

/** The text of a file of the folder `grafana`. */
export function readGrafanaFile(name: string): string {
  return readFileSync(new URL(`../../grafana/${name}`, import.meta.url), 'utf8')
}

export const dashboard = JSON.parse(readGrafanaFile('overview.json')) as Dashboard

/** The panels that show something: all but the rows. */
export const charts = dashboard.panels.filter(({ type }) => type !== 'row')

/** The expressions of a panel as Grafana would send them: all nodes chosen, rates over `interval`. */
export function expressions({ targets = [] }: Panel, interval: string): string[] {
  return targets.map(({ expr }) =>
    expr.replaceAll('$instance', '.+').replaceAll('$feed', '.+').replaceAll('$__rate_interval', interval),
  )
}

/** The names of the metrics that an expression reads. */
export function metricNames(expression: string): string[] {
  return expression.match(/\b(?:ticker|process|nodejs)_[a-z0-9_]+/g) ?? []
}
