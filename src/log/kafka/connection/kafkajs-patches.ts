import { AsyncLocalStorage } from 'node:async_hooks'
import { readFileSync } from 'node:fs'
import { type Socket, connect as connectPlain, isIP } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { ISocketFactory } from 'kafkajs'
import Broker from 'kafkajs/src/broker/index.js'
import Connection from 'kafkajs/src/network/connection.js'
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import { messageOf } from '../../../diagnostics/ticker-error.ts'
import { KafkaError, UnsentError } from '../kafka-error.ts'
import type { KafkaTls } from './kafka-access.ts'

let isRepaired = false

/**
 * Mends two faults of kafkajs 2.2.4 in this process. An idle request queue re-arms a timer of 1 ms for ever (2.3 % CPU, and a
 * warning from Node): it has something to wait for only while requests are pending. And bytes that are not
 * Kafka's throw inside the socket's listener, which would end the process: they end the connection.
 */
export function patchKafkajs(): void {
  if (isRepaired) return
  isRepaired = true
  const { scheduleCheckPendingRequests } = RequestQueue.prototype
  RequestQueue.prototype.scheduleCheckPendingRequests = function schedule() {
    if (this.pending.length > 0) scheduleCheckPendingRequests.call(this)
  }
  const { processData } = Connection.prototype
  Connection.prototype.processData = function process(bytes) {
    try {
      processData.call(this, bytes)
    } catch (error) {
      this.socket?.destroy(error instanceof Error ? error : new KafkaError(messageOf(error)))
    }
  }
}

/** What the produce request of one attempt came to, if it was sent and failed. */
interface Attempt {
  isSent: boolean
  failure: unknown
}

/** Answers of a broker that did not even try: it does not lead the partition, or not yet. */
const notAppended = new Set([
  'NOT_LEADER_FOR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'UNKNOWN_TOPIC_OR_PARTITION',
])

function isNotAppended(failure: unknown): boolean {
  const type: unknown = failure instanceof Error ? Reflect.get(failure, 'type') : undefined
  return typeof type === 'string' && notAppended.has(type)
}

const attempts = new AsyncLocalStorage<Attempt>()
let isNoting = false

/**
 * Lets kafkajs try once to append; rejects with what the produce request itself came to, if there was one. After a lost
 * answer kafkajs 2.2.4 looks the cluster up, and when that fails, rejects with that instead: missing rights then look
 * as if what was sent had been refused. An attempt that found no leader, say, and sent nothing, is an `UnsentError`.
 */
export async function produceAttempt<Result>(send: () => Promise<Result>): Promise<Result> {
  noteFailures()
  const attempt: Attempt = { isSent: false, failure: undefined }
  try {
    return await attempts.run(attempt, send)
  } catch (error) {
    if (!attempt.isSent || isNotAppended(attempt.failure))
      throw new UnsentError(messageOf(error), { cause: error })
    throw attempt.failure ?? error
  }
}

function noteFailures(): void {
  if (isNoting) return
  isNoting = true
  const { produce } = Broker.prototype
  Broker.prototype.produce = async function noting(request) {
    const attempt = attempts.getStore()
    if (attempt !== undefined) attempt.isSent = true
    try {
      return await produce.call(this, request)
    } catch (error) {
      if (attempt !== undefined) attempt.failure = error
      throw error
    }
  }
}

/** The sockets of one producer. Once they are shut nothing more is sent, whatever the library still tries. */
export class ProducerSockets {
  readonly #open = new Set<Socket>()
  #isClosed = false

  /** Takes a socket in; one that comes too late is destroyed. */
  add(socket: Socket): Socket {
    this.#open.add(socket)
    if (this.#isClosed) socket.destroy(closedError())
    return socket.once('close', () => this.#open.delete(socket))
  }

  /** Lets no further socket come up. */
  close(): void {
    this.#isClosed = true
  }

  /** Cuts those that are open. */
  cut(): void {
    for (const socket of this.#open) socket.destroy(closedError())
  }
}

function closedError(): KafkaError {
  return new KafkaError('the producer was closed')
}

const keepAliveMs = 60_000

/** Makes sockets to brokers. kafkajs would leave Nagle's algorithm on, and would read certificates once. */
export function socketFactory(tls: KafkaTls | undefined): ISocketFactory {
  return ({ host, port, onConnect }) => {
    const socket =
      tls === undefined
        ? connectPlain({ host, port }, onConnect)
        : connectTls({ host, port, ...tlsOptions(tls, host) }, onConnect)
    return socket.setNoDelay(true).setKeepAlive(true, keepAliveMs)
  }
}

/** An address is no server name (RFC 6066 §3); Node checks the certificate for it all the same. */
function tlsOptions({ authorityFile, client, serverName }: KafkaTls, host: string): ConnectionOptions {
  const name = serverName ?? (isIP(host) === 0 ? host : undefined)
  return {
    ...(name !== undefined && { servername: name }),
    ...(authorityFile !== undefined && { ca: readFileSync(authorityFile) }),
    ...(client && { cert: readFileSync(client.certificateFile), key: readFileSync(client.keyFile) }),
  }
}
