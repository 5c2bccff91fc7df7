import fc from 'fast-check'
import { expect, test } from 'vitest'
import { channels } from '../../src/event/event.ts'
import { isSymbol } from '../../src/event/symbol.ts'
import { conflationIntervalsMs } from '../../src/feed/interval-conflation/conflation-intervals.ts'
import { parseClientMessage } from '../../src/protocol/client-message.ts'

const names = fc.constantFrom(
  'action',
  'id',
  'token',
  'snapshot',
  'policy',
  'cursor',
  'conflateMs',
  '__proto__',
  'constructor',
  'toString',
  '',
  ...channels,
)
const values = fc.oneof(
  fc.constantFrom<unknown>(
    'auth',
    'subscribe',
    'unsubscribe',
    'every',
    'conflate',
    '*',
    ['*'],
    ['AAPL'],
    [],
    0,
    250,
    120_001,
    null,
  ),
  fc.jsonValue({ maxDepth: 3 }),
)
/** An own member of any name, as `JSON.parse` makes it, `__proto__` included. */
const objects = fc
  .array(fc.tuple(names, values), { maxLength: 8 })
  .map(
    members =>
      `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}}`,
  )
const nearly = fc
  .tuple(fc.constantFrom('auth', 'subscribe', 'unsubscribe'), objects)
  .map(([action, rest]) =>
    rest.replace('{', rest === '{}' ? `{"action":"${action}"` : `{"action":"${action}",`),
  )
const texts = fc.oneof(
  { weight: 4, arbitrary: nearly },
  { weight: 2, arbitrary: objects },
  fc.json(),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.nat(60_000).map(depth => '['.repeat(depth)),
)

test('whatever a client sends is a message of the protocol, or a fault that names it in a few words', () => {
  const property = fc.property(texts, text => {
    const message = parseClientMessage(text)
    const id: unknown = message.id
    expect(id === undefined || Number.isSafeInteger(id) || (typeof id === 'string' && id.length <= 64)).toBe(
      true,
    )
    if ('code' in message) {
      expect(message.code).toBe(400)
      expect(message.detail.length).toBeLessThan(500)
    } else if (message.action === 'auth') {
      expect(message.token).not.toBe('')
    } else if (message.action === 'ack') {
      expect(message.frames).toBeGreaterThanOrEqual(0)
    } else {
      if (message.action === 'subscribe') {
        expect([undefined, 0, ...conflationIntervalsMs]).toContain(message.conflateMs)
        expect(message.policy.get('news')).not.toBe('conflate')
      }
      for (const [channel, symbols] of message.items) {
        expect(channels).toContain(channel)
        expect(symbols.every(symbol => symbol === '*' || isSymbol(symbol))).toBe(true)
      }
    }
  })
  fc.assert(property, { numRuns: 3000 })
  expect(Object.keys(Object.prototype)).toEqual([])
})
