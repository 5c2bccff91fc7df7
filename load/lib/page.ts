import { drawBars, drawLines, escapeHtml } from './plots.ts'
import type { Report, ReportPart, TablePart } from './report.ts'

/** A report as one HTML file that needs nothing else: tables, and plots as inline SVG. */
export function renderPage({ title, notes, parts }: Report): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
<main>
<h1>${escapeHtml(title)}</h1>
<p class="notes">${notes.map(escapeHtml).join(' ')}</p>
${parts.map(renderPart).join('\n')}
</main>
</html>
`
}

function renderPart(part: ReportPart): string {
  if (part.kind === 'table') return tableOf(part)
  if (part.kind === 'bars') return figure(part.title, drawBars(part))
  if (part.kind === 'lines') return figure(part.title, drawLines(part))
  return `<p>${escapeHtml(part.text)}</p>`
}

function figure(title: string, svg: string): string {
  return `<figure><figcaption>${escapeHtml(title)}</figcaption>${svg}</figure>`
}

function tableOf({ title, head, rows }: TablePart): string {
  const cells = (tag: 'td' | 'th', values: readonly string[]): string =>
    `<tr>${values.map(value => `<${tag}>${escapeHtml(value)}</${tag}>`).join('')}</tr>`
  return `<h2>${escapeHtml(title)}</h2>
<div class="wide"><table><thead>${cells('th', head)}</thead><tbody>
${rows.map(row => cells('td', row)).join('\n')}
</tbody></table></div>`
}

const style = `
:root { color-scheme: light dark; --text: #1d2129; --soft: #667080; --line: #d5dae1; --back: #fff;
  --gateway: #0b63c5; --other: #9aa7b8; --third: #b5541c; --fourth: #3b7d3b; }
@media (prefers-color-scheme: dark) { :root { --text: #e6e9ee; --soft: #9aa4b2; --line: #3a424e;
  --back: #14181e; --gateway: #5aa7ff; --other: #6d7a8c; --third: #e8935e; --fourth: #7dbf7d; } }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 24px 16px 48px; }
h1 { font-size: 24px; } h2 { font-size: 17px; margin: 32px 0 8px; }
.notes { color: var(--soft); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 13px; }
th, td { padding: 4px 10px; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th { color: var(--soft); font-weight: 600; white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; }
figure { margin: 24px 0; } figcaption { font-weight: 600; margin-bottom: 4px; }
svg { width: 100%; height: auto; } svg text { fill: var(--text); font: 12px system-ui, sans-serif; }
svg .soft { fill: var(--soft); } svg .grid { stroke: var(--line); }
svg .whisker { stroke: var(--text); stroke-width: 1.5; }
svg .gateway { fill: var(--gateway); } svg .other { fill: var(--other); }
svg .curve { fill: none; stroke-width: 2; }
`
