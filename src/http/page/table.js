// The table that `client.js` fills.
const limit = 400
const columns = ['price', 'change', 'bid', 'ask', 'size', 'time']
const decimals = { price: 2, bid: 2, ask: 2 }
const rows = new Map()
const body = document.querySelector('tbody')
const filter = document.querySelector('input')
const changed = new Set()

export function status(text) {
  document.querySelector('#status').textContent = text
}

export function show(symbol, values) {
  const row = rows.get(symbol) ?? addRow(symbol)
  if (row === undefined) return
  if (values.price !== undefined) {
    row.first ??= values.price
    const move = values.price - (row.values.price ?? values.price)
    if (move !== 0) row.direction = move > 0 ? 'up' : 'down'
    const change = (values.price / row.first - 1) * 100
    row.values.change = `${change < 0 ? '' : '+'}${change.toFixed(2)} %`
  }
  Object.assign(row.values, values)
  changed.add(row)
}

function addRow(symbol) {
  if (rows.size >= limit) return undefined
  const element = document.createElement('tr')
  element.dataset.symbol = symbol
  const cells = { symbol: element.insertCell() }
  cells.symbol.textContent = symbol
  for (const column of columns) {
    cells[column] = element.insertCell()
    cells[column].className = column
  }
  const row = { symbol, element, cells, values: {}, first: undefined, direction: undefined }
  rows.set(symbol, row)
  const after = [...body.rows].find(other => other.cells[0].textContent > symbol)
  body.insertBefore(element, after ?? null)
  hide(row)
  return row
}

function hide(row) {
  row.element.hidden = !row.symbol.toUpperCase().includes(filter.value.trim().toUpperCase())
}

// Drawn once per frame of the screen, however many events came in.
function draw() {
  for (const row of changed) {
    for (const column of columns) {
      const value = row.values[column]
      if (value === undefined) continue
      const text = column === 'time' ? value.slice(11, 23) : (value.toFixed?.(decimals[column] ?? 0) ?? value)
      if (row.cells[column].textContent !== text) row.cells[column].textContent = text
    }
    const direction = row.direction
    if (direction !== undefined) {
      row.cells.price.className = 'price'
      void row.cells.price.offsetWidth
      row.cells.price.className = `price ${direction}`
      row.direction = undefined
    }
  }
  changed.clear()
  requestAnimationFrame(draw)
}

filter.addEventListener('input', () => rows.forEach(hide))
requestAnimationFrame(draw)
