import { type Channel, channels } from '../../event/event.ts'
import { symbolRule, toSymbol } from '../../event/symbol.ts'
import { showValue } from '../../diagnostics/show-value.ts'
import { type Filter, parseFilter } from '../../filter/filter.ts'
import {
  type Command,
  maxConflateMs,
  type Policy,
  type RequestedFilters,
  type RequestedItems,
  type SubscribeCommand,
} from '../command.ts'
import type { ClientMessage } from '../dialect.ts'
import type { CursorPosition } from '../positions.ts'
import type { RequestFault, RequestId } from '../request-fault.ts'
import { parseCursor } from './partition-runs.ts'

type Fields = Readonly<Record<string, unknown>>

/** Thrown by the readers of fields, and caught by `parseCommand`. */
class CommandFault extends Error {}

const known = {
  auth: new Set(['action', 'id', 'token']),
  subscribe: new Set<string>([
    'action',
    'id',
    'snapshot',
    'policy',
    'conflateMs',
    'where',
    'cursor',
    ...channels,
  ]),
  unsubscribe: new Set<string>(['action', 'id', ...channels]),
  ack: new Set(['action', 'id', 'n']),
} as const satisfies Record<Command['kind'], Set<string>>

/**
 * Reads one message of a client (`PROTOCOL.md` §3). The fault's detail names the field, its value and the
 * rule.
 */
export function parseCommand(message: ClientMessage): Command | RequestFault {
  let id: RequestId | undefined
  try {
    const fields = parseFields(message)
    id = parseId(fields['id'])
    return parseAction(fields, id)
  } catch (thrown) {
    return faultOf(thrown, id)
  }
}

/** Reads the fields of a subscription that came otherwise than as a message. */
export function parseSubscription(fields: Fields): SubscribeCommand | RequestFault {
  try {
    checkNames(fields, 'subscribe')
    return readSubscription(fields, parseId(fields['id']))
  } catch (thrown) {
    return faultOf(thrown, undefined)
  }
}

function faultOf(thrown: unknown, id: RequestId | undefined): RequestFault {
  if (thrown instanceof CommandFault) return { code: 400, detail: thrown.message, id }
  throw thrown
}

function parseFields(text: ClientMessage): Fields {
  if (typeof text !== 'string') throw new CommandFault('a binary message; expected JSON in a text message')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new CommandFault(`not JSON: ${showValue(text)}`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new CommandFault(`${showValue(value)}: expected a JSON object with an "action"`)
  }
  return value as Fields
}

function parseAction(fields: Fields, id: RequestId | undefined): Command {
  const { action } = fields
  if (action !== 'auth' && action !== 'subscribe' && action !== 'unsubscribe' && action !== 'ack') {
    throw new CommandFault(`action=${showValue(action)}: expected auth, subscribe, unsubscribe or ack`)
  }
  checkNames(fields, action)
  if (action === 'auth') return { kind: action, id, token: parseToken(fields['token']) }
  if (action === 'ack') return { kind: action, id, frames: parseFrames(fields['n']) }
  if (action === 'unsubscribe') return { kind: action, id, items: parseItems(fields) }
  return readSubscription(fields, id)
}

function checkNames(fields: Fields, action: Command['kind']): void {
  for (const name of Object.keys(fields)) {
    if (!known[action].has(name)) {
      throw new CommandFault(
        `${showValue(name)}: unknown field of ${action}; known: ${[...known[action]].join(', ')}`,
      )
    }
  }
}

function readSubscription(fields: Fields, id: RequestId | undefined): SubscribeCommand {
  return {
    kind: 'subscribe',
    id,
    items: parseItems(fields),
    policy: parsePolicy(fields['policy']),
    where: parseWhere(fields['where']),
    snapshot: parseSnapshot(fields['snapshot']),
    conflateMs: parseConflateMs(fields['conflateMs']),
    cursor: readCursor(fields['cursor']),
  }
}

function parseId(id: unknown): RequestId | undefined {
  if (id === undefined) return undefined
  // The id is echoed, and strict readers refuse half a surrogate pair.
  if (typeof id === 'string' && id.length <= 64) return id.toWellFormed()
  if (typeof id === 'number' && Number.isSafeInteger(id)) return id
  throw new CommandFault(`id=${showValue(id)}: expected a text of at most 64 characters or a whole number`)
}

function parseToken(token: unknown): string {
  if (typeof token === 'string' && token !== '') return token
  throw new CommandFault('token: expected a JSON Web Token as text')
}

function parseFrames(count: unknown): number {
  if (typeof count === 'number' && Number.isSafeInteger(count) && count >= 0) return count
  throw new CommandFault(
    `n=${showValue(count)}: expected how many frames with data were handled, a whole number`,
  )
}

function parseSnapshot(snapshot: unknown): boolean {
  if (snapshot === undefined) return false
  if (typeof snapshot === 'boolean') return snapshot
  throw new CommandFault(`snapshot=${showValue(snapshot)}: expected true or false`)
}

function parseConflateMs(conflateMs: unknown): number | undefined {
  if (conflateMs === undefined) return undefined
  if (
    typeof conflateMs === 'number' &&
    Number.isInteger(conflateMs) &&
    conflateMs >= 0 &&
    conflateMs <= maxConflateMs
  ) {
    return conflateMs
  }
  throw new CommandFault(
    `conflateMs=${showValue(conflateMs)}: expected whole milliseconds, 0 to ${maxConflateMs}`,
  )
}

function readCursor(cursor: unknown): readonly CursorPosition[] | undefined {
  if (cursor === undefined) return undefined
  const result = parseCursor(cursor)
  if ('fault' in result) throw new CommandFault(`cursor: ${result.fault}`)
  return result.positions
}

function parseItems(fields: Fields): RequestedItems {
  const items = new Map<Channel, readonly string[]>()
  for (const channel of channels) {
    const symbols = fields[channel]
    if (symbols === undefined || symbols === null) continue
    if (!Array.isArray(symbols)) {
      throw new CommandFault(
        `${channel}=${showValue(symbols)}: expected an array of symbols, such as ["AAPL"] or ["*"]`,
      )
    }
    if (symbols.length > 0)
      items.set(
        channel,
        symbols.map(symbol => parseSymbol(channel, symbol)),
      )
  }
  return items
}

function parseSymbol(channel: Channel, symbol: unknown): string {
  if (symbol === '*') return symbol
  const meant = typeof symbol === 'string' ? toSymbol(symbol) : undefined
  if (meant !== undefined) return meant
  throw new CommandFault(`${channel}: ${showValue(symbol)} is not a symbol; expected * or ${symbolRule}`)
}

function parsePolicy(policy: unknown): ReadonlyMap<Channel, Policy> {
  const chosen = new Map<Channel, Policy>()
  if (policy === undefined) return chosen
  if (typeof policy !== 'object' || policy === null || Array.isArray(policy)) {
    throw new CommandFault(`policy=${showValue(policy)}: expected an object such as {"quotes":"every"}`)
  }
  for (const [name, value] of Object.entries(policy)) {
    const channel = parseChannel('policy', name)
    if (value !== 'every' && value !== 'conflate') {
      throw new CommandFault(`policy.${name}=${showValue(value)}: expected "every" or "conflate"`)
    }
    if (channel === 'news' && value === 'conflate') {
      throw new CommandFault(
        'policy.news="conflate": expected "every"; every article is delivered, ' +
          'and none replaces another',
      )
    }
    chosen.set(channel, value)
  }
  return chosen
}

function parseWhere(where: unknown): RequestedFilters {
  const filters = new Map<Channel, Filter | null>()
  if (where === undefined) return filters
  if (typeof where !== 'object' || where === null || Array.isArray(where)) {
    throw new CommandFault(
      `where=${showValue(where)}: expected an object such as {"trades":{"s":{"gte":100}}}`,
    )
  }
  for (const [name, value] of Object.entries(where)) {
    const channel = parseChannel('where', name)
    const filter = value === null ? null : parseFilter(channel, value)
    if (filter !== null && 'fault' in filter) throw new CommandFault(`where.${filter.fault}`)
    filters.set(channel, filter)
  }
  return filters
}

function parseChannel(field: string, name: string): Channel {
  const channel = channels.find(candidate => candidate === name)
  if (channel !== undefined) return channel
  throw new CommandFault(`${field}: ${showValue(name)} is not a channel; channels: ${channels.join(', ')}`)
}
