import { setTimeout as pause } from 'node:timers/promises'
import { openStream, type StreamTarget, type StreamUser } from '../clients/stream-socket.ts'
import type { WebSocketClient } from '../clients/web-socket-client.ts'
import { defaultForm, EventScan, frameReadingOf } from '../clients/wire-forms.ts'
import { answerCalls } from '../lib/child.ts'
import { monotonicUs } from '../lib/clocks.ts'
import { sumOf } from '../lib/statistics.ts'

/** Results of clients that each count their events. */
export type ClientsReceived = Awaited<ReturnType<StreamClients['received']>>
/** Results of clients that all receive the same. */
export type Received = Awaited<ReturnType<StreamClients['receivedAlike']>>

interface Client {
  readonly socket: WebSocketClient
  readonly tally: Tally
}

interface Tally {
  events: number
  expected: number
  /** When each event came, in order, of some clients. */
  arrivals: number[] | undefined
}

const readBufferBytes = 256 * 1024
const openedTogether = 50
/** Connections that have the time of every event noted. */
const maxSampled = 5
const pollMs = 2

let clients: Client[] = []
/** Where all clients want the same, only some look at events, so that hundreds cost little. */
let scans: ReadonlyMap<number, EventScan> = new Map()
let pending = 0
let goneCount = 0
let delivered = 0
let waiting: { readonly deliveries: number; readonly resolve: () => void } | undefined

/** The functions of this process, which holds all clients of a server. */
const functions = {
  /** Opens a connection for each list of symbols and subscribes to them. */
  async open(target: StreamTarget, lists: readonly (readonly string[])[]): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(readBufferBytes)
    const { access } = target
    clients = []
    goneCount = 0
    if (access.kind === 'gateway' && access.subscribe !== undefined) {
      const createScan = () => new EventScan(frameReadingOf(access.form))
      scans = new Map(sampledOf(lists.length).map(index => [index, createScan()]))
    }
    while (clients.length < lists.length) {
      const from = clients.length
      const next = lists.slice(from, from + openedTogether)
      const open = (symbols: readonly string[], index: number) =>
        openClient(target, { symbols, index: from + index }, buffer)
      clients.push(...(await Promise.all(next.map(open))))
    }
  },

  /** Begins to count anew; so many events are expected by each client. */
  begin(expected: Uint32Array): void {
    pending = 0
    delivered = 0
    const sampled = new Set(sampledOf(clients.length))
    for (const scan of scans.values()) scan.begin()
    for (const [index, { tally, socket }] of clients.entries()) {
      tally.events = 0
      tally.expected = expected[index] ?? 0
      tally.arrivals = sampled.has(index) ? [] : undefined
      socket.reader.restart()
      if (tally.expected > 0) pending++
    }
  },

  /** Resolves when all together have received so many events, or one of them is lost. */
  async reached(deliveries: number): Promise<void> {
    if (delivered >= deliveries || goneCount > 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting = { deliveries, resolve }
    await promise
  },

  /** Resolves when every client has what it expects; rejects when one is lost or gets more, or in the end. */
  async received(timeoutMs: number) {
    await until(() => pending === 0, timeoutMs)
    const excess = clients.filter(({ tally }) => tally.events > tally.expected).length
    if (excess > 0) throw new Error(`${excess} clients received more events than were for them`)
    return {
      events: sumOf(clients, ({ tally }) => tally.events),
      frames: sumOf(clients, ({ socket }) => socket.reader.frames),
      bytes: sumOf(clients, ({ socket }) => socket.reader.bytes),
      samples: clients.flatMap(({ tally: { arrivals } }, client) =>
        arrivals === undefined ? [] : { client, atUs: Float64Array.from(arrivals) },
      ),
    }
  },

  /** Resolves when every client has received so many events, by the bytes; rejects as `received` does. */
  async receivedAlike(events: number, timeoutMs: number) {
    const samples = [...scans.values()]
    const readers = clients.map(({ socket }) => socket.reader)
    const [first] = readers
    const isComplete = (): boolean =>
      (samples[0]?.events ?? 0) >= events && readers.every(({ bytes }) => bytes === first?.bytes)
    await until(isComplete, timeoutMs)
    return {
      frames: first?.frames ?? 0,
      bytes: first?.bytes ?? 0,
      /** Of the trades of the clients that look at events, in no order, and when each was sent. */
      latenciesUs: Float64Array.from(samples.flatMap(({ latenciesUs }) => latenciesUs)),
      sentUs: Float64Array.from(samples.flatMap(({ sentUs }) => sentUs)),
    }
  },

  async close(): Promise<void> {
    for (const { socket } of clients) socket.close()
    await Promise.all(clients.map(({ socket }) => socket.gone))
    clients = []
  },
}

export type StreamClients = typeof functions

/** Some clients from the first to the last in the order of opening, which is that of delivery. */
function sampledOf(count: number): number[] {
  const step = Math.max(1, (count - 1) / (maxSampled - 1))
  const sampled = Array.from({ length: maxSampled }, (_, index) => Math.round(index * step))
  return sampled.filter(index => index < count)
}

async function until(isComplete: () => boolean, timeoutMs: number): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs
  while (!isComplete()) {
    if (goneCount > 0) throw new Error(`${goneCount} connections were ended by the server`)
    if (performance.now() > deadlineMs) {
      const lacking = pending > 0 ? `${pending} of ${clients.length}` : 'some'
      throw new Error(`${lacking} clients lack events after ${timeoutMs} ms`)
    }
    await pause(pollMs)
  }
}

async function openClient(target: StreamTarget, user: StreamUser, buffer: Buffer): Promise<Client> {
  const tally: Tally = { events: 0, expected: 0, arrivals: undefined }
  const onFrame = listenerOf(target.access.form, tally, user.index)
  const socket = await openStream(target, user, { buffer, onFrame })
  void socket.gone.then(lose)
  return { socket, tally }
}

function listenerOf(form = defaultForm, tally: Tally, index: number) {
  const scan = scans.get(index)
  if (scan !== undefined) return (payload: Buffer): void => scan.take(payload)
  if (scans.size > 0) return undefined
  const read = frameReadingOf(form)
  return (payload: Buffer): void => {
    const events = read(payload)
    if (events > 0) take(tally, events)
  }
}

function lose(): void {
  goneCount++
  waiting?.resolve()
}

function take(tally: Tally, events: number): void {
  const before = tally.events
  tally.events += events
  delivered += events
  if (waiting !== undefined && delivered >= waiting.deliveries) {
    waiting.resolve()
    waiting = undefined
  }
  if (tally.arrivals !== undefined) {
    const us = monotonicUs()
    for (let event = 0; event < events; event++) tally.arrivals.push(us)
  }
  if (before < tally.expected && tally.events >= tally.expected) pending--
}

answerCalls(functions)
