import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Grant } from '../../src/auth/grant.ts'
import { symbolList } from '../../src/http/symbols-route.ts'
import { Items } from '../../src/feed/last-values/items.ts'
import { createGrant } from '../support/defaults.ts'

async function listOf(items: Items, grant: Grant): Promise<{ symbol: string; channels: string[] }[]> {
  let text = ''
  for await (const piece of symbolList(items, grant)) text += piece
  return (JSON.parse(text) as { symbols: { symbol: string; channels: string[] }[] }).symbols
}

test('lists each symbol once, sorted, with its channels', async () => {
  const items = new Items(100)
  items.admit('quotes', 'MSFT', 0)
  items.admit('trades', 'MSFT', 0)
  items.admit('quotes', 'AAPL', 0)
  items.admit('news', '', 0)
  items.admit('corrections', 'TSLA', 0)
  expect(await listOf(items, createGrant())).toEqual([
    { symbol: 'AAPL', channels: ['quotes'] },
    { symbol: 'MSFT', channels: ['trades', 'quotes'] },
    { symbol: 'TSLA', channels: ['corrections'] },
  ])
  expect(
    await listOf(
      items,
      createGrant({ channels: new Set(['trades']), symbols: new Set(['TSLA', 'X', 'MSFT']) }),
    ),
  ).toEqual([
    { symbol: 'MSFT', channels: ['trades'] },
    { symbol: 'TSLA', channels: ['corrections'] },
  ])
  expect(await listOf(new Items(1), createGrant())).toEqual([])
})

// Cause: the whole list was collected, sorted and written as JSON in one turn of the event loop.
// Symptom: with 200,000 items every delivery waited for 180 ms, at the wish of any user.
// Seen: by measuring the event loop's longest gap.
test('a list of many items leaves the event loop its turns', async () => {
  const items = new Items(100_000)
  for (let index = 0; index < 50_000; index++)
    items.admit(index % 2 === 0 ? 'trades' : 'quotes', `S${index * 7919}`, 0)
  let turns = 0
  const done = new AbortController()
  const counting = (async () => {
    while (!done.signal.aborted) {
      turns++
      await nextTurn()
    }
  })()
  const list = await listOf(items, createGrant())
  done.abort()
  await counting
  const names = list.map(({ symbol }) => symbol)
  expect(names).toEqual(names.toSorted())
  expect(new Set(names).size).toBe(50_000)
  expect(turns).toBeGreaterThanOrEqual(50)
})
