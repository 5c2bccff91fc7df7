import type { Command } from '../../src/protocol/command.ts'
import type { ClientMessage, Dialect } from '../../src/protocol/dialect.ts'
import type { RequestFault } from '../../src/protocol/request-fault.ts'
import type { ServerMessage } from '../../src/protocol/server-message.ts'

/**
 * A dialect for tests that shares no word with `ticker.v1`: commands are words, in text or binary messages,
 * messages have a `say`, and positions, coverage and heartbeats are not spoken of.
 */
export const plainDialect: Dialect = {
  parse,
  parseSubscription: () => ({ code: 400, detail: 'expected want' }),
  spell,
  open: message =>
    message.kind === 'coverage'
      ? undefined
      : { before: { say: 'values', to: message.id }, list: 'now', after: { more: !message.isComplete } },
}

function parse(message: ClientMessage): Command | RequestFault {
  const text = typeof message === 'string' ? message : Buffer.from(message).toString('utf8')
  const [verb, ...words] = text.split(' ')
  if (verb === 'login' && words[0] !== undefined) return { kind: 'auth', token: words[0] }
  const items = new Map([['trades', words] as const])
  if (verb === 'drop') return { kind: 'unsubscribe', items }
  if (verb !== 'want') return { code: 400, detail: `${verb}: expected login, want or drop` }
  const [policy, where] = [new Map(), new Map()]
  const rest = { snapshot: true, conflateMs: undefined, cursor: undefined }
  return { kind: 'subscribe', id: 'w', items, policy, where, ...rest }
}

function spell(message: ServerMessage): object | undefined {
  if (message.kind === 'connected') return { say: 'hello' }
  if (message.kind === 'authenticated') return { say: 'welcome', most: message.limits.maxItemsPerSession }
  if (message.kind === 'subscription') {
    return { say: 'noted', to: message.id, trades: message.subscription.symbols.get('trades') }
  }
  if (message.kind === 'shutdown') return { say: 'leaving' }
  if (message.kind === 'error') return { say: 'no', number: message.fault.code, why: message.fault.detail }
  return undefined
}
