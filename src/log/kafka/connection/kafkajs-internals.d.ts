/** The inner parts of kafkajs 2.2.4 (pinned exactly) that `kafkajs-patches.ts` uses. */

declare module 'kafkajs/src/protocol/encoder.js' {
  export default class Encoder {
    constructor(initialSize?: number)
    writeBuffer(bytes: Buffer): this
  }
}

declare module 'kafkajs/src/loggers/index.js' {
  import type { Logger, logCreator, logLevel } from 'kafkajs'

  export function createLogger(options: { level: logLevel; logCreator: logCreator }): Logger
}

declare module 'kafkajs/src/network/requestQueue/index.js' {
  export default class RequestQueue {
    readonly pending: readonly unknown[]
    scheduleCheckPendingRequests: (this: RequestQueue) => void
  }
}

declare module 'kafkajs/src/network/connection.js' {
  import type { Socket } from 'node:net'

  export default class Connection {
    readonly socket?: Socket
    processData: (this: Connection, bytes: Buffer) => void
    rejectRequests(error: Error): void
    disconnect(): Promise<unknown>
  }
}

declare module 'kafkajs/src/network/connectionPool.js' {
  import type { ISocketFactory, KafkaConfig, Logger } from 'kafkajs'
  import type Connection from 'kafkajs/src/network/connection.js'
  import type Encoder from 'kafkajs/src/protocol/encoder.js'

  export interface ConnectionPoolOptions extends Pick<KafkaConfig, 'sasl' | 'reauthenticationThreshold'> {
    host: string
    port: number
    clientId: string
    logger: Logger
    socketFactory: ISocketFactory
    connectionTimeout: number
    requestTimeout: number
  }

  export interface ProtocolAnswer<Answer> {
    /** The milliseconds in which the broker wants no further request (KIP-219). */
    clientSideThrottleTime: number
    answer: Answer
  }

  export interface ProtocolRequest<Answer> {
    request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<Encoder> }
    response: {
      decode(payload: Buffer): Promise<ProtocolAnswer<Answer>>
      parse(data: ProtocolAnswer<Answer>): Answer
    }
    logResponseError: boolean
  }

  /** Two connections to one broker, opened when needed: one for Fetch, the other for all other requests. */
  export default class ConnectionPool {
    constructor(options: ConnectionPoolOptions)
    readonly pool: readonly Connection[]
    send<Answer>(request: ProtocolRequest<Answer>): Promise<Answer>
  }
}

declare module 'kafkajs/src/broker/index.js' {
  import type { Logger } from 'kafkajs'
  import type ConnectionPool from 'kafkajs/src/network/connectionPool.js'

  export default class Broker {
    constructor(options: { connectionPool: ConnectionPool; logger: Logger; authenticationTimeout: number })
    /** By API key; `null` until connected. */
    readonly versions: Readonly<Record<number, { minVersion: number; maxVersion: number }>> | null
    connect(): Promise<void>
    produce: (this: Broker, request: object) => Promise<unknown>
  }
}
