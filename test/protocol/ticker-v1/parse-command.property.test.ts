import fc from 'fast-check'
import { expect, test } from 'vitest'
import { channels } from '../../../src/event/event.ts'
import { isSymbol } from '../../../src/event/symbol.ts'
import { maxConflateMs } from '../../../src/protocol/command.ts'
import { parseCommand } from '../../../src/protocol/ticker-v1/parse-command.ts'

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

test('whatever a client sends is a command, or a fault that names it in a few words', () => {
  const property = fc.property(texts, text => {
    const command = parseCommand(text)
    const id: unknown = command.id
    expect(id === undefined || Number.isSafeInteger(id) || (typeof id === 'string' && id.length <= 64)).toBe(
      true,
    )
    if ('code' in command) {
      expect(command.code).toBe(400)
      expect(command.detail.length).toBeLessThan(500)
    } else if (command.kind === 'auth') {
      expect(command.token).not.toBe('')
    } else if (command.kind === 'ack') {
      expect(command.frames).toBeGreaterThanOrEqual(0)
    } else {
      if (command.kind === 'subscribe') {
        const { conflateMs = 0 } = command
        expect(Number.isInteger(conflateMs) && conflateMs >= 0 && conflateMs <= maxConflateMs).toBe(true)
        expect(command.policy.get('news')).not.toBe('conflate')
      }
      for (const [channel, symbols] of command.items) {
        expect(channels).toContain(channel)
        expect(symbols.every(symbol => symbol === '*' || isSymbol(symbol))).toBe(true)
      }
    }
  })
  fc.assert(property, { numRuns: 3000 })
  expect(Object.keys(Object.prototype)).toEqual([])
})
