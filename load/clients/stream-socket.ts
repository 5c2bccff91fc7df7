import { ChunkReader } from './chunk-reader.ts'
import { type ServerAddress, streamHeaders, streamPath, WebSocketClient } from './web-socket-client.ts'
import { sseForm } from './wire-forms.ts'

/** Where the clients of one server connect, and how they open their streams. */
export interface StreamTarget {
  readonly address: ServerAddress
  readonly access: GatewayAccess | PeerAccess
}

export interface GatewayAccess {
  readonly kind: 'gateway'
  readonly token: string
  readonly form: string
  /** What all clients want; if left out, each wants the trades of its symbols. */
  readonly subscribe?: object
  /** Filters of trades, which the clients have in turn. */
  readonly filters?: readonly object[]
  /** Symbols that each client names besides its own, and that its filter refuses. */
  readonly refused?: readonly string[]
  /** The feed's name; that of the node if left out. */
  readonly feed?: string
}

interface PeerAccess {
  readonly kind: 'peer'
  readonly handshake: HandshakeName
  readonly form?: string
}

/** One of the clients, by its place in the order of opening. */
export interface StreamUser {
  readonly symbols: readonly string[]
  readonly index: number
}

/** Given a frame's payload, valid during the call. */
type FrameListener = (payload: Buffer) => void

/**
 * Connects a subscriber that only receives, and subscribes. `onFrame` is given the payloads of the opening
 * too: what comes later may build on them. Without it, frames are only counted. With it, pings of the
 * server's own kind are answered after the opening.
 */
export async function openStream(
  { address, access }: StreamTarget,
  user: StreamUser,
  { buffer, onFrame }: { readonly buffer: Buffer; readonly onFrame: FrameListener | undefined },
): Promise<WebSocketClient> {
  if (access.kind === 'gateway' && access.form === sseForm)
    return await askForEvents({ address, access }, user, { buffer, onFrame })
  const client = new WebSocketClient(address, buffer)
  client.reader.onFrame = onFrame
  const handshake: Handshake =
    access.kind === 'gateway' ? gateway(access, user) : handshakes[access.handshake](user.symbols)
  const { path, headers, greeting, steps, ping } = handshake
  const greeted = greeting === undefined ? undefined : message(greeting)
  await Promise.all([client.upgrade(path, headers), greeted])
  for (const { send, until } of steps) {
    const answered = message(until)
    client.send(send)
    await answered
  }
  client.reader.onFrame = onFrame
  if (onFrame !== undefined && ping !== undefined) {
    client.reader.onFrame = payload => {
      if (payload.length === ping[0].length && payload.toString('latin1') === ping[0]) client.send(ping[1])
      else onFrame(payload)
    }
  }
  return client

  /** Resolves at the first message with `text`; rejects at an error message and when the connection ends. */
  async function message(text: string): Promise<void> {
    const found = Promise.withResolvers<void>()
    client.reader.onFrame = payload => {
      onFrame?.(payload)
      const received = payload.toString('utf8')
      if (received.includes(text)) found.resolve()
      else if (received.includes('"T":"error"')) found.reject(new Error(received))
    }
    await Promise.race([found.promise, client.endsBefore(text)])
  }
}

/** Asks for what `gateway` below subscribes to, as server-sent events. */
async function askForEvents(
  { address, access }: { readonly address: ServerAddress; readonly access: GatewayAccess },
  user: StreamUser,
  { buffer, onFrame }: { readonly buffer: Buffer; readonly onFrame: FrameListener | undefined },
): Promise<WebSocketClient> {
  const client = new WebSocketClient(address, buffer, new ChunkReader())
  const acknowledged = Promise.withResolvers<void>()
  client.reader.onFrame = payload => {
    onFrame?.(payload)
    if (payload.includes('"T":"subscription"')) acknowledged.resolve()
  }
  await client.ask(eventsPath(access, user), [`Authorization: Bearer ${access.token}`])
  await Promise.race([acknowledged.promise, client.endsBefore('the acknowledgement')])
  client.reader.onFrame = onFrame
  return client
}

function eventsPath(access: GatewayAccess, user: StreamUser): string {
  const query = new URLSearchParams(access.feed === undefined ? {} : { feed: access.feed })
  for (const [name, value] of Object.entries(requestOf(access, user)))
    query.set(name, Array.isArray(value) ? value.join(',') : JSON.stringify(value))
  return `/v1/events?${query.toString()}`
}

/** How the clients of some symbols open the stream of a server. */
interface Handshake {
  /** The path of the request line. */
  readonly path: string
  readonly headers?: readonly string[]
  /** The server's first message contains this; it may come with the handshake. */
  readonly greeting?: string
  /** The messages afterwards: after each one the client waits for a message that contains `until`. */
  readonly steps: readonly { readonly send: string; readonly until: string }[]
  /** A ping of the server's own kind, and how a client answers it. */
  readonly ping?: readonly [ping: string, pong: string]
}

/** The fields of the subscription of a client. */
function requestOf(
  { subscribe, filters = [], refused = [] }: GatewayAccess,
  { symbols, index }: StreamUser,
): object {
  const filter = filters[index % filters.length]
  const where = filter === undefined ? {} : { where: { trades: filter } }
  return { ...(subscribe ?? { trades: [...symbols, ...refused] }), ...where }
}

function gateway(access: GatewayAccess, user: StreamUser): Handshake {
  const { token, form, feed } = access
  const request = { action: 'subscribe', ...requestOf(access, user) }
  return {
    path: feed === undefined ? streamPath : `${streamPath}/${feed}`,
    headers: streamHeaders(token, form),
    greeting: '"authenticated"',
    steps: [{ send: JSON.stringify(request), until: '"T":"subscription"' }],
  }
}

/** The servers beside the gateway, by how their clients open a stream. */
export type HandshakeName = keyof typeof handshakes

const handshakes = {
  query: symbols => ({ path: `/?symbols=${symbols.join()}`, steps: [] }),

  // https://socket.io/docs/v4/engine-io-protocol and /socket-io-protocol.
  'socket.io': symbols => ({
    path: `/socket.io/?EIO=4&transport=websocket&symbols=${symbols.join()}`,
    greeting: '0{',
    steps: [{ send: '40', until: '40{' }],
    ping: ['2', '3'],
  }),

  // https://docs.nats.io/reference/reference-protocols/nats-protocol
  nats: symbols => {
    const subscriptions = symbols.map((symbol, index) => `SUB ${symbol} ${index + 1}\r\n`).join('')
    const connect = 'CONNECT {"verbose":false,"pedantic":false,"lang":"load","version":"0"}\r\n'
    return {
      path: '/',
      greeting: 'INFO ',
      steps: [{ send: `${connect}${subscriptions}PING\r\n`, until: 'PONG' }],
      ping: ['PING\r\n', 'PONG\r\n'],
    }
  },

  // https://centrifugal.dev/docs/transports/client_protocol
  centrifugo: symbols => ({
    path: '/connection/websocket',
    steps: [
      { send: '{"id":1,"connect":{}}', until: '"id":1,' },
      ...symbols.map((symbol, index) => ({
        send: `{"id":${index + 2},"subscribe":{"channel":"${symbol}"}}`,
        until: `"id":${index + 2},`,
      })),
    ],
  }),
} as const satisfies Readonly<Record<string, (symbols: readonly string[]) => Handshake>>
