import { showValue } from '../../diagnostics/show-value.ts'
import { channels } from '../../event/event.ts'

/** What the query of a request for events asks for: the fields of a `subscribe`, and a feed. */
export interface SubscriptionQuery {
  readonly fields: Readonly<Record<string, unknown>>
  /** The first feed of the node if left out. */
  readonly feed?: string
}

/** Names that clients of other services put tokens into. */
const tokenNames = /^(?:(?:access|auth|bearer|id|api)?[-_]?(?:token|key)|jwt|bearer|auth|authorization)$/i

const known = [...channels, ...channels.map(channel => `policy.${channel}`)]
/** Channels that need not be named if `trades` is. */
const comeWithTrades: readonly string[] = ['corrections', 'cancelErrors']
const others = ['conflateMs', 'snapshot', 'where', 'feed']

/** Thrown by the readers of parameters, and caught by `readSubscriptionQuery`. */
class QueryFault extends Error {}

/**
 * Reads the query of a request for events (`PROTOCOL.md` §11), percent-encoded as HTML forms are. The fault
 * names the parameter, its value, the rule and the cure; of a parameter that may hold a token it shows no
 * value.
 */
export function readSubscriptionQuery(query: string): SubscriptionQuery | { readonly fault: string } {
  try {
    return readParameters(splitQuery(query))
  } catch (thrown) {
    if (thrown instanceof QueryFault) return { fault: thrown.message }
    throw thrown
  }
}

function splitQuery(query: string): Map<string, string> {
  const parameters = new Map<string, string>()
  for (const part of query.split('&')) {
    if (part === '') continue
    const [rawName = '', ...rest] = part.split('=')
    const name = decode(rawName, 'the name of a parameter')
    if (tokenNames.test(name)) {
      throw new QueryFault(`${name}: a token never goes into a URL; send it as Authorization: Bearer TOKEN`)
    }
    if (!known.includes(name) && !others.includes(name)) {
      throw new QueryFault(
        `${showValue(name)}: unknown parameter; known: ${channels.join(', ')}, policy.CHANNEL, ${others.join(', ')}`,
      )
    }
    if (parameters.has(name)) {
      throw new QueryFault(`${name} is there twice; expected it once, such as trades=AAPL,MSFT`)
    }
    parameters.set(name, decode(rest.join('='), name))
  }
  return parameters
}

function decode(text: string, name: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw new QueryFault(`${name}: a % is not followed by two digits of UTF-8; write a % as %25`)
  }
}

function readParameters(parameters: ReadonlyMap<string, string>): SubscriptionQuery {
  const fields: Record<string, unknown> = {}
  const policy: Record<string, string> = {}
  for (const [name, text] of parameters) {
    if (text === '') throw new QueryFault(`${name}= is empty; leave it out, or ${exampleOf(name)}`)
    if (name === 'feed') continue
    if (name.startsWith('policy.')) policy[name.slice('policy.'.length)] = text
    else fields[name] = readField(name, text)
  }
  if (Object.keys(policy).length > 0) fields['policy'] = policy
  if (!channels.some(channel => parameters.has(channel))) {
    throw new QueryFault(
      `the query names no channel; expected at least one of ${channels.join(', ')}, ` +
        'such as ?trades=AAPL,MSFT&quotes=*',
    )
  }
  refuseUnnamed(Object.keys(policy), 'policy', parameters)
  refuseUnnamed(Object.keys(Object(fields['where'])), 'where', parameters)
  const feed = parameters.get('feed')
  return { fields, ...(feed === undefined ? {} : { feed }) }
}

/** The subscription of a response does not change: what it says of further channels would never apply. */
function refuseUnnamed(
  names: readonly string[],
  field: string,
  parameters: ReadonlyMap<string, string>,
): void {
  for (const channel of channels) {
    const isSubscribed =
      parameters.has(channel) || (comeWithTrades.includes(channel) && parameters.has('trades'))
    if (isSubscribed || !names.includes(channel)) continue
    throw new QueryFault(
      `${field}.${channel}: the query names no ${channel}; expected ${channel}=, or nothing about this channel`,
    )
  }
}

function exampleOf(name: string): string {
  if (name === 'where') return 'give a filter as JSON'
  if (name === 'feed') return 'name a feed'
  if (name === 'snapshot') return 'write snapshot=true'
  if (name === 'conflateMs') return 'give milliseconds'
  return name.startsWith('policy.') ? `write ${name}=every` : `name symbols, such as ${name}=AAPL,MSFT`
}

function readField(name: string, text: string): unknown {
  if (name === 'snapshot') return readBoolean(text)
  if (name === 'conflateMs') return readMilliseconds(text)
  return name === 'where' ? readJson(text) : text.split(',')
}

function readBoolean(text: string): boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  throw new QueryFault(`snapshot=${showValue(text)}: expected true or false`)
}

/** How large it may be is the dialect's rule. */
function readMilliseconds(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new QueryFault(`conflateMs=${showValue(text)}: expected whole milliseconds, such as 250`)
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new QueryFault(
      `where=${showValue(text)}: not JSON; expected a filter by channel, percent-encoded, ` +
        'such as {"trades":{"s":{"gte":100}}}',
    )
  }
}
