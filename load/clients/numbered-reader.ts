import { type ControlMessage, SequenceChecker } from './sequence-checker.ts'
import type { Totals } from '../kafka/numbered-source.ts'
import { type ServerAddress, streamHeaders, streamPath, WebSocketClient } from './web-socket-client.ts'

/** Where a reader connects, and by which token. */
export interface ReaderTarget extends ServerAddress {
  readonly token: string
}

/** Partitions of a topic in a row (PROTOCOL.md §8). */
export interface PartitionRun {
  readonly topic: string
  readonly epoch: string
  /** To the base of 36, with commas between. */
  readonly positions: string
}

export interface NumberedReaderOptions {
  readonly target: ReaderTarget
  /** What it subscribes to, with the cursor if it has one. */
  readonly subscribe: object
  /** How many symbols there are. */
  readonly symbols: number
  /** The numbers of the events before the first one; where they are left out it may have any number. */
  readonly begins: Partial<Totals>
  /** `at frames`: events are not looked at, so that hundreds of readers cost little. */
  readonly looks: 'at events' | 'at frames'
  /** What sockets read into; may be shared. */
  readonly buffer: Buffer
}

/** What the first `subscription` said. */
export interface Acknowledgement {
  readonly partitions: readonly PartitionRun[]
  /** Only after a cursor. */
  readonly recovered: boolean | undefined
  readonly atMs: number
}

/** Types of messages that say that something went wrong. */
const complaintTypes = new Set(['lost', 'replaced', 'error'])
/** How many are kept. */
const mostComplaints = 5
const quoteMark = 34
const snapshotLetter = 's'.charCodeAt(0)

/** A subscriber of `NumberedSource`'s events, which checks their numbers. */
export class NumberedReader {
  readonly client: WebSocketClient
  readonly checker: SequenceChecker
  readonly acknowledged: Promise<Acknowledgement>
  /** When `resumed` came, on this process' clock. */
  readonly resumed: Promise<number>
  readonly complaints: string[] = []
  /** How many messages of each type came that are no events. */
  readonly messages = new Map<string, number>()
  /** When it asked for the subscription, and when the first data came. */
  requestedMs = Number.NaN
  firstMs = Number.NaN
  /** Frames with data so far. */
  dataFrames = 0
  readonly #options: NumberedReaderOptions
  readonly #acknowledged = Promise.withResolvers<Acknowledgement>()
  readonly #resumed = Promise.withResolvers<number>()
  #acknowledgedFrames = 0
  #looksAtEvents = true
  #isLeaving = false

  constructor(options: NumberedReaderOptions) {
    const { target, symbols, begins, buffer } = options
    this.#options = options
    this.acknowledged = this.#acknowledged.promise
    this.resumed = this.#resumed.promise
    this.acknowledged.catch(() => undefined)
    this.resumed.catch(() => undefined)
    this.checker = new SequenceChecker(symbols, begins, message => this.#take(message))
    this.client = new WebSocketClient(target, buffer)
    this.client.reader.onFrame = payload => this.#frame(payload)
    void this.client.gone.then(reason => this.#gone(reason))
    const headers = streamHeaders(target.token, 'ticker.v1.json')
    this.client.upgrade(streamPath, headers).catch(() => this.client.close())
  }

  /** Acknowledges what was handled since it did so last. */
  acknowledge(): void {
    if (this.dataFrames === this.#acknowledgedFrames) return
    this.#acknowledgedFrames = this.dataFrames
    this.client.send(JSON.stringify({ action: 'ack', n: this.dataFrames }))
  }

  /** Breaks its connection, as a network does. */
  cut(): void {
    this.#isLeaving = true
    this.client.close()
  }

  #frame(payload: Buffer): void {
    const isData = this.#looksAtEvents ? this.checker.take(payload) : this.#glance(payload)
    if (!isData) return
    if (this.dataFrames++ === 0) this.firstMs = performance.now()
  }

  #glance(payload: Buffer): boolean {
    if (payload[8] === quoteMark) return true
    this.checker.take(payload)
    return payload[7] === snapshotLetter && payload[8] === 'n'.charCodeAt(0)
  }

  #take(message: ControlMessage): void {
    const { T } = message
    this.messages.set(T, (this.messages.get(T) ?? 0) + 1)
    if (complaintTypes.has(T) && this.complaints.length < mostComplaints)
      this.complaints.push(JSON.stringify(message).slice(0, 300))
    if (message['msg'] === 'authenticated') this.#subscribe()
    else if (T === 'subscription') this.#begin(message)
    else if (T === 'resumed') this.#resumed.resolve(performance.now())
  }

  #subscribe(): void {
    this.requestedMs = performance.now()
    this.client.send(JSON.stringify({ action: 'subscribe', ...this.#options.subscribe }))
  }

  #begin(message: ControlMessage): void {
    this.#looksAtEvents = this.#options.looks === 'at events'
    this.#acknowledged.resolve({
      partitions: message['partitions'] as readonly PartitionRun[],
      recovered: message['recovered'] as boolean | undefined,
      atMs: performance.now(),
    })
  }

  #gone(reason: string): void {
    const error = new Error(`the connection ended: ${reason.slice(0, 200)} ${this.complaints.join(' ')}`)
    if (!this.#isLeaving && this.complaints.length < mostComplaints) this.complaints.push(error.message)
    this.#acknowledged.reject(error)
    this.#resumed.reject(error)
  }
}
