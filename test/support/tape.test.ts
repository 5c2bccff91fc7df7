import { expect, test } from 'vitest'
import { channelOfType } from '../../src/event/event.ts'
import { parseEvent } from '../../src/event/parse-event.ts'
import { generateTape, readTape, sharedTapePath } from './tape.ts'

test('the same seed gives the same tape, another seed another', () => {
  const tape = generateTape({ seed: 7, events: 5000 })
  expect(generateTape({ seed: 7, events: 5000 })).toEqual(tape)
  expect(generateTape({ seed: 8, events: 5000 })).not.toEqual(tape)
})

test('a tape has every type, and only valid events that JSON keeps', () => {
  const tape = generateTape({ seed: 1, events: 20_000 })
  expect(new Set(tape.map(({ T }) => T))).toEqual(new Set(Object.keys(channelOfType)))
  for (const event of tape) expect(parseEvent(JSON.parse(JSON.stringify(event)))).toEqual(event)
})

test('a generated tape has times of every length, large ids, absent fields, shared news', () => {
  const tape = generateTape({ seed: 2, symbols: 300, events: 20_000 })
  const times = tape.flatMap(event => ('t' in event ? [event.t] : []))
  expect(new Set(times.map(time => time.length)).size).toBeGreaterThanOrEqual(6)
  expect(times.some(time => /\.\d*0Z$/.test(time))).toBe(true)
  const trades = tape.filter(event => event.T === 't')
  expect(trades.some(({ i = 0 }) => Number(i) > 2 ** 32)).toBe(true)
  expect(trades.some(({ i }) => i === undefined)).toBe(true)
  const news = tape.filter(event => event.T === 'n')
  expect(new Set(news.map(({ symbols }) => symbols.length))).toEqual(new Set([0, 1, 3, 2]))
  expect(new Set(trades.map(({ S }) => S)).size).toBeGreaterThan(290)
})

test('reads the real tape where it is there', async () => {
  const path = sharedTapePath()
  let count = 0
  if (path !== undefined) for await (const _ of readTape(path)) count += 1
  expect(count).toBe(path === undefined ? 0 : 126_289)
})
