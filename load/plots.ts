import { showSpread } from './figures.ts'
import { escapeHtml } from './html-text.ts'
import type { BarsPart, LinesPart } from './report.ts'

const width = 900
const nameWidth = 250
const valueWidth = 230
const rowHeight = 26

/** Horizontal bars with their values; the whiskers are the lowest and the highest round. */
export function drawBars({ bars, unit }: BarsPart): string {
  const highest = Math.max(...bars.map(({ spread }) => spread.high), Number.MIN_VALUE)
  const scale = (width - nameWidth - valueWidth) / highest
  const rows = bars.map(({ name, spread, isOurs }, index) => {
    const top = index * rowHeight
    const middle = top + rowHeight / 2
    const x = (value: number): string => (nameWidth + value * scale).toFixed(1)
    const text = `${showSpread(spread, digitsOf(highest))} ${unit}`
    return `<text x="${nameWidth - 8}" y="${middle + 4}" text-anchor="end">${escapeHtml(name)}</text>
<rect class="${isOurs ? 'ours' : 'other'}" x="${nameWidth}" y="${top + 5}" width="${(spread.median * scale).toFixed(1)}" height="${rowHeight - 10}" rx="2"/>
<line class="whisker" x1="${x(spread.low)}" x2="${x(spread.high)}" y1="${middle}" y2="${middle}"/>
<text class="soft" x="${(nameWidth + spread.high * scale + 8).toFixed(1)}" y="${middle + 4}">${escapeHtml(text)}</text>`
  })
  return svg(bars.length * rowHeight, rows.join('\n'))
}

const plotHeight = 320
const margin = { left: 60, right: 170, top: 12, bottom: 44 } as const
const colours = ['var(--ours)', 'var(--third)', 'var(--fourth)', 'var(--other)'] as const

/** Curves on logarithmic scales, each named at its end. */
export function drawLines({ lines, xName, yName }: LinesPart): string {
  const x = axisOf(
    lines.flatMap(({ points }) => points.map(([value]) => value)),
    [margin.left, width - margin.right],
  )
  const y = axisOf(
    lines.flatMap(({ points }) => points.map(([, value]) => value)),
    [plotHeight - margin.bottom, margin.top],
  )
  const vertical = x.ticks.map(
    tick =>
      `<line class="grid" x1="${x.at(tick)}" x2="${x.at(tick)}" y1="${margin.top}" y2="${plotHeight - margin.bottom}"/><text class="soft" x="${x.at(tick)}" y="${plotHeight - margin.bottom + 16}" text-anchor="middle">${tick}</text>`,
  )
  const horizontal = y.ticks.map(
    tick =>
      `<line class="grid" x1="${margin.left}" x2="${width - margin.right}" y1="${y.at(tick)}" y2="${y.at(tick)}"/><text class="soft" x="${margin.left - 6}" y="${y.at(tick) + 4}" text-anchor="end">${tick}</text>`,
  )
  const curves = lines.map(({ name, points }, index) => {
    const colour = colours[index % colours.length] ?? colours[0]
    const [lastX = 0, lastY = 0] = points.at(-1) ?? []
    const at = points.map(([px, py]) => `${x.at(px)},${y.at(py)}`).join(' ')
    return `<polyline class="curve" style="stroke:${colour}" points="${at}"/>
<text x="${x.at(lastX) + 8}" y="${y.at(lastY) + 4}" style="fill:${colour}">${escapeHtml(name)}</text>`
  })
  const names = `<text class="soft" x="${margin.left}" y="${plotHeight - 8}">${escapeHtml(`across: ${xName}; up: ${yName}`)}</text>`
  return svg(plotHeight, [...vertical, ...horizontal, ...curves, names].join('\n'))
}

interface Axis {
  readonly ticks: readonly number[]
  at(value: number): number
}

/** From the power of ten below the values, or a third of it, to the one above. */
function axisOf(values: readonly number[], [from, to]: readonly [number, number]): Axis {
  const positive = values.filter(value => value > 0)
  const lowest = Math.floor(Math.log10(Math.min(...positive, 1e9)))
  const highest = Math.ceil(Math.log10(Math.max(...positive, 10 ** (lowest + 1))))
  const decades = Array.from({ length: highest - lowest + 1 }, (_, step) => Number(`1e${lowest + step}`))
  const low = Math.min(...positive)
  const high = Math.max(...positive)
  const all = decades.flatMap(decade => [decade, decade * 2, decade * 5])
  const first = all.findLastIndex(tick => tick <= low)
  const last = all.findIndex(tick => tick >= high)
  const ticks = all.slice(Math.max(0, first), last < 0 ? undefined : last + 1)
  const [start = 1, end = 10] = [ticks[0], ticks.at(-1)].map(tick => Math.log10(tick ?? 1))
  return {
    ticks: ticks.map(tick => Number(tick.toPrecision(3))),
    at: value =>
      Math.round(
        from + ((Math.log10(Math.max(value, 1e-9)) - start) / Math.max(end - start, 1e-9)) * (to - from),
      ),
  }
}

function svg(height: number, content: string): string {
  return `<svg viewBox="0 0 ${width} ${height}" role="img">${content}</svg>`
}

/** Three significant digits of the largest value, at most three behind the point. */
function digitsOf(highest: number): number {
  return Math.max(0, Math.min(3, 2 - Math.floor(Math.log10(highest))))
}
