/** How clients that are no subscribers of ours open the streams of the servers beside the gateway. */
export type GreetingName = 'query' | 'socket.io' | 'nats' | 'centrifugo'

/** A request line's path, and what is said in turn afterwards. */
export interface Greeting {
  path(symbols: readonly string[]): string
  /** After each `send` a message that contains `until` is waited for. */
  steps(symbols: readonly string[]): readonly GreetingStep[]
  /** What is answered how, as long as the connection lasts. */
  readonly ping?: readonly [ping: string, pong: string]
}

export interface GreetingStep {
  readonly send?: string
  readonly until: string
}

export const greetings: Readonly<Record<GreetingName, Greeting>> = {
  query: {
    path: symbols => `/?symbols=${symbols.join()}`,
    steps: () => [],
  },
  // https://socket.io/docs/v4/engine-io-protocol and /socket-io-protocol.
  'socket.io': {
    path: symbols => `/socket.io/?EIO=4&transport=websocket&symbols=${symbols.join()}`,
    steps: () => [{ until: '0{' }, { send: '40', until: '40{' }],
    ping: ['2', '3'],
  },
  // https://docs.nats.io/reference/reference-protocols/nats-protocol
  nats: {
    path: () => '/',
    steps: symbols => {
      const subscriptions = symbols.map((symbol, index) => `SUB ${symbol} ${index + 1}\r\n`).join('')
      const connect = 'CONNECT {"verbose":false,"pedantic":false,"lang":"load","version":"0"}\r\n'
      return [{ until: 'INFO ' }, { send: `${connect}${subscriptions}PING\r\n`, until: 'PONG' }]
    },
    ping: ['PING\r\n', 'PONG\r\n'],
  },
  // https://centrifugal.dev/docs/transports/client_protocol
  centrifugo: {
    path: () => '/connection/websocket',
    steps: symbols => [
      { send: '{"id":1,"connect":{}}', until: '"id":1,' },
      ...symbols.map((symbol, index) => ({
        send: `{"id":${index + 2},"subscribe":{"channel":"${symbol}"}}`,
        until: `"id":${index + 2},`,
      })),
    ],
  },
}
