import type { BarsPart, LinesPart } from './report.ts'
import { showSpread } from './statistics.ts'

const width = 900
const nameWidth = 250
const valueWidth = 230
const rowHeight = 26

/** Horizontal bars with their values; the whiskers are the lowest and the highest round. */
export function drawBars({ bars, unit }: BarsPart): string {
  const highest = Math.max(...bars.map(({ spread }) => spread.high), Number.MIN_VALUE)
  const scale = (width - nameWidth - valueWidth) / highest
  const rows = bars.map(({ name, spread, isGateway }, index) => {
    const top = index * rowHeight
    const middle = top + rowHeight / 2
    const x = (value: number): string => (nameWidth + value * scale).toFixed(1)
    const text = `${showSpread(spread, digitsOf(highest))} ${unit}`
    return `<text x="${nameWidth - 8}" y="${middle + 4}" text-anchor="end">${escapeHtml(name)}</text>
<rect class="${isGateway ? 'gateway' : 'other'}" x="${nameWidth}" y="${top + 5}" rx="2"
  width="${(spread.median * scale).toFixed(1)}" height="${rowHeight - 10}"/>
<line class="whisker" x1="${x(spread.low)}" x2="${x(spread.high)}" y1="${middle}" y2="${middle}"/>
<text class="soft" x="${x(spread.high + 8 / scale)}" y="${middle + 4}">${escapeHtml(text)}</text>`
  })
  return svg(bars.length * rowHeight, rows.join('\n'))
}

const plotHeight = 320
const margin = { left: 60, right: 170, top: 12, bottom: 44 } as const
const colours = ['var(--gateway)', 'var(--third)', 'var(--fourth)', 'var(--other)'] as const

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
  const line = (x1: number, y1: number, x2: number, y2: number): string =>
    `<line class="grid" x1="${x1}" x2="${x2}" y1="${y1}" y2="${y2}"/>`
  const [right, bottom] = [width - margin.right, plotHeight - margin.bottom]
  const vertical = x.ticks.map(tick => {
    const at = x.at(tick)
    const label = `<text class="soft" x="${at}" y="${bottom + 16}" text-anchor="middle">${tick}</text>`
    return line(at, margin.top, at, bottom) + label
  })
  const horizontal = y.ticks.map(tick => {
    const at = y.at(tick)
    const label = `<text class="soft" x="${margin.left - 6}" y="${at + 4}" text-anchor="end">${tick}</text>`
    return line(margin.left, at, right, at) + label
  })
  const curves = lines.map(({ name, points }, index) => {
    const colour = colours[index % colours.length] ?? colours[0]
    const [lastX = 0, lastY = 0] = points.at(-1) ?? []
    const at = points.map(([px, py]) => `${x.at(px)},${y.at(py)}`).join(' ')
    return `<polyline class="curve" style="stroke:${colour}" points="${at}"/>
<text x="${x.at(lastX) + 8}" y="${y.at(lastY) + 4}" style="fill:${colour}">${escapeHtml(name)}</text>`
  })
  const axes = escapeHtml(`across: ${xName}; up: ${yName}`)
  const names = `<text class="soft" x="${margin.left}" y="${plotHeight - 8}">${axes}</text>`
  return svg(plotHeight, [...vertical, ...horizontal, ...curves, names].join('\n'))
}

interface Axis {
  readonly ticks: readonly number[]
  at(value: number): number
}

/** Ticks in steps of 1, 2 and 5, from the one below the values to the one above. */
function axisOf(values: readonly number[], [from, to]: readonly [number, number]): Axis {
  const positive = values.filter(value => value > 0)
  const decades = Array.from({ length: 19 }, (_, index) => index - 9)
  const all = decades.flatMap(decade => [1, 2, 5].map(step => Number(`${step}e${decade}`)))
  const first = all.findLastIndex(tick => tick <= Math.min(...positive))
  const last = all.findIndex(tick => tick >= Math.max(...positive))
  const ticks = all.slice(Math.max(0, first), last < 0 ? undefined : last + 1)
  const [start = 1, end = 10] = [ticks[0], ticks.at(-1)].map(tick => Math.log10(tick ?? 1))
  return {
    ticks,
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

/** Text as it may stand between tags and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)
}
