import { describe, expect, test } from 'vitest'
import type { SubscribeCommand } from '../../../src/protocol/command.ts'
import { parseCommand } from '../../../src/protocol/ticker-v1/parse-command.ts'
import { Subscription } from '../../../src/session/delivery/subscription.ts'
import { createGrant } from '../../support/defaults.ts'

function read(fields: object): SubscribeCommand {
  const command = parseCommand(JSON.stringify({ action: 'subscribe', ...fields }))
  if ('code' in command || command.kind !== 'subscribe') throw new Error(JSON.stringify(command))
  return command
}

const after = (...requests: readonly object[]): Subscription =>
  requests.reduce<Subscription>((subscription, fields) => subscription.with(read(fields)), Subscription.none)

const quotes = (conflateMs: number): object => ({ quotes: ['AAPL'], conflateMs })
const grant = createGrant()

describe('an interval', () => {
  test('holds for the conflated channels that the request names, and is acknowledged as it is met', () => {
    const subscription = after({ quotes: ['AAPL'], dailyBars: ['*'], trades: ['AAPL'], conflateMs: 130 })
    expect(subscription.describe()).toMatchObject({
      policy: { trades: 'every', quotes: 'conflate', dailyBars: 'conflate' },
      conflateMs: { quotes: 250, dailyBars: 250 },
    })
  })

  test('is not mentioned where there is none', () => {
    expect(after({ quotes: ['AAPL'] }).describe()).not.toHaveProperty('conflateMs')
    expect(after(quotes(0)).describe()).not.toHaveProperty('conflateMs')
  })

  test('stays as it was where a request says nothing of it, or names other channels', () => {
    const subscription = after(quotes(250), { quotes: ['MSFT'] }, { lulds: ['*'], conflateMs: 1000 })
    expect(subscription.describe()).toMatchObject({ conflateMs: { quotes: 250, lulds: 1000 } })
  })

  test('is changed by a request that names the channel in its policy alone, and ended by 0', () => {
    const changed = after(quotes(250), { policy: { quotes: 'conflate' }, conflateMs: 5000 })
    expect(changed.describe()).toMatchObject({ conflateMs: { quotes: 5000 } })
    expect(changed.with(read(quotes(0))).describe()).not.toHaveProperty('conflateMs')
  })

  test('ends with the policy, and does not come back with it', () => {
    const every = after(quotes(250), { policy: { quotes: 'every' } })
    expect(every.describe()).not.toHaveProperty('conflateMs')
    expect(every.with(read({ policy: { quotes: 'conflate' } })).describe()).not.toHaveProperty('conflateMs')
  })

  test('is there again with its channel, whose symbols were left meanwhile', () => {
    const left = after(quotes(250)).without(new Map([['quotes', ['AAPL']]]))
    expect(left.describe()).not.toHaveProperty('conflateMs')
    expect(left.intervalSelections(grant).size).toBe(0)
    expect(left.with(read({ quotes: ['MSFT'] })).describe()).toMatchObject({ conflateMs: { quotes: 250 } })
  })

  test('reaches corrections and cancels with the trades that they follow', () => {
    const policy = { trades: 'conflate', corrections: 'conflate', cancelErrors: 'conflate' }
    const subscription = after({ trades: ['AAPL'], policy, conflateMs: 500 })
    expect(subscription.describe()).toMatchObject({
      conflateMs: { trades: 500, corrections: 500, cancelErrors: 500 },
    })
  })

  test('holds under another token', () => {
    const narrowed = after({ quotes: ['AAPL', 'MSFT'], conflateMs: 250 }).under(
      createGrant({ symbols: new Set(['MSFT']) }),
    )
    const { symbols, conflateMs } = narrowed.describe()
    expect([symbols.get('quotes'), conflateMs]).toEqual([['MSFT'], { quotes: 250 }])
  })
})

describe('what is wanted', () => {
  test('is delivered at once, or at the intervals of its channels, each item in one way', () => {
    const subscription = after(
      { trades: ['AAPL'], statuses: ['*'] },
      { quotes: ['AAPL'], dailyBars: ['AAPL'], conflateMs: 250 },
      { lulds: ['*'], conflateMs: 10_000 },
    )
    expect([...subscription.liveSelection(grant).symbols.keys()]).toEqual([
      'trades',
      'statuses',
      'corrections',
      'cancelErrors',
    ])
    const atIntervals = [...subscription.intervalSelections(grant)]
    expect(
      atIntervals.map(([intervalMs, selection]) => [intervalMs, Object.fromEntries(selection.symbols)]),
    ).toEqual([
      [250, { quotes: new Set(['AAPL']), dailyBars: new Set(['AAPL']) }],
      [10_000, { lulds: '*' }],
    ])
  })

  test('of a reader that is behind stays the same objects, by which it sees that nothing has changed', () => {
    const selections = after({ trades: ['AAPL'], quotes: ['AAPL'] }).selections(grant)
    const { every, conflated } = selections
    expect([...every.symbols.keys()]).toEqual(['trades', 'corrections', 'cancelErrors'])
    expect([...conflated.symbols.keys()]).toEqual(['quotes'])
    expect([selections.every === every, selections.conflated === conflated]).toEqual([true, true])
  })

  test('of a reader that is behind is delivered at once and conflated, or at one interval', () => {
    const subscription = after({ quotes: ['AAPL'] }, { lulds: ['AAPL'], conflateMs: 250 })
    expect([...subscription.conflatedSelection(grant, 0).symbols.keys()]).toEqual(['quotes'])
    expect([...subscription.conflatedSelection(grant, 250).symbols.keys()]).toEqual(['lulds'])
    expect(subscription.conflatedSelection(grant, 500).size).toBe(0)
  })
})

describe('an interval without any channel', () => {
  const faultOf = (request: object): string | undefined => {
    const command = read(request)
    return Subscription.none.with(command).intervalFault(command)
  }

  test.each([
    [
      { trades: ['AAPL'], bars: ['*'] },
      'conflateMs: every event of trades, bars, corrections, cancelErrors is delivered; choose "conflate" in policy, or leave conflateMs out',
    ],
    [{}, 'conflateMs: the request names no channel; expected the conflated ones that it is for'],
    [{ quotes: ['AAPL'], policy: { quotes: 'every' } }, /^conflateMs: every event of quotes is delivered/],
  ])('is a fault: %j', (fields, fault) => {
    expect(faultOf({ ...fields, conflateMs: 200 })).toMatch(fault)
  })

  test.each([
    { quotes: ['AAPL'], conflateMs: 250 },
    { quotes: ['AAPL'], trades: ['AAPL'], conflateMs: 250 },
    { trades: ['AAPL'], policy: { trades: 'conflate' }, conflateMs: 250 },
    { trades: ['AAPL'], conflateMs: 0 },
    { trades: ['AAPL'] },
  ])('is none: %j', fields => {
    expect(faultOf(fields)).toBeUndefined()
  })
})
