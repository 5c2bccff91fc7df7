import { describe, expect, test } from 'vitest'
import { parseCommand } from '../../../src/protocol/ticker-v1/parse-command.ts'

describe('a request', () => {
  test.each([-1, 0.5, 120_001, 1e300, '250', null, true])('whose interval is %j is refused', conflateMs => {
    expect(
      parseCommand(JSON.stringify({ action: 'subscribe', quotes: ['A'], conflateMs, id: 1 })),
    ).toMatchObject({
      code: 400,
      detail: expect.stringMatching(/^conflateMs=.*: expected whole milliseconds, 0 to 120000$/),
      id: 1,
    })
  })

  test.each([
    ['5', 'where=5: expected an object such as {"trades":{"s":{"gte":100}}}'],
    ['[]', 'where=[]: expected an object'],
    ['null', 'where=null: expected an object'],
    ['{"trade":{}}', 'where: "trade" is not a channel; channels: trades, quotes'],
    [
      '{"trades":{"size":{"gt":1}}}',
      'where.trades.size: unknown field; known: S, i, x, p, s, c, z, tks, notional',
    ],
    ['{"trades":{"s":{"gte":1e999}}}', 'where.trades.s.gte=Infinity: expected a finite number'],
  ])('with where=%s is refused', (where, detail) => {
    expect(parseCommand(`{"action":"subscribe","id":7,"where":${where}}`)).toMatchObject({
      code: 400,
      detail: expect.stringContaining(detail),
      id: 7,
    })
  })

  test('states filters in canonical form, and those to be removed', () => {
    const command = parseCommand(
      '{"action":"subscribe","where":{"trades":{"not":{"not":{"s":{"gte":100}}}},"quotes":null}}',
    )
    if (!('kind' in command) || command.kind !== 'subscribe') throw new Error('refused')
    expect(command.where.get('trades')?.expression).toEqual({ s: { gte: 100 } })
    expect(command.where.get('quotes')).toBeNull()
  })

  test('that would conflate news is refused', () => {
    expect(parseCommand('{"action":"subscribe","news":["*"],"policy":{"news":"conflate"}}')).toMatchObject({
      code: 400,
      detail: expect.stringMatching(/^policy\.news="conflate": expected "every"; every article is/),
    })
  })
})
