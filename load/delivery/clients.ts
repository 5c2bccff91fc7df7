import { setTimeout as pause } from 'node:timers/promises'
import { answerCalls } from '../child-calls.ts'
import { defaultForm, formNamed, type LoadForm } from '../forms.ts'
import type { GreetingName } from '../greetings.ts'
import { monotonicUs } from '../monotonic-clock.ts'
import { StreamSocket, type StreamOpening, type StreamTarget } from '../stream-socket.ts'

/** Where the clients of one server connect, and how. */
export interface ClientsTarget {
  readonly host: string
  readonly port: number
  readonly isTls: boolean
  readonly access: ClientsAccess
}

export type ClientsAccess =
  | { readonly kind: 'gateway'; readonly token: string; readonly form: string }
  | { readonly kind: 'peer'; readonly greeting: GreetingName; readonly form?: string }

/** What came to some clients. */
export interface ClientsReceived {
  readonly events: number
  readonly frames: number
  readonly bytes: number
  /** When the last event of all came, by the monotonic clock. */
  readonly endedUs: number
  readonly samples: readonly Sample[]
}

/** When each of the events of one client came, in order. */
export interface Sample {
  readonly client: number
  readonly atUs: Float64Array
}

interface Tally {
  events: number
  expected: number
  arrivals: number[] | undefined
}

interface Client extends Tally {
  readonly stream: StreamSocket
}

const readBufferBytes = 256 * 1024
/** Handshakes at once. */
const openedTogether = 50
/** How many connections have the time of every event noted. */
const maxSampled = 5
const pollMs = 2

let clients: readonly Client[] = []
let pending = 0
let goneCount = 0
let endedUs = 0
let delivered = 0
let waiting: { readonly deliveries: number; readonly resolve: () => void } | undefined

/** The functions of this process, which holds all clients of a server. */
const functions = {
  /** Opens a connection for each list of symbols and subscribes to them. */
  async open(target: ClientsTarget, lists: readonly (readonly string[])[]): Promise<void> {
    const buffer = Buffer.allocUnsafeSlow(readBufferBytes)
    const { access } = target
    const form = formNamed(access.form ?? defaultForm)
    const opened: Client[] = []
    while (opened.length < lists.length) {
      const next = lists.slice(opened.length, opened.length + openedTogether)
      const open = (symbols: readonly string[]): Promise<Client> =>
        openClient({ ...target, opening: openingOf(access, symbols) }, buffer, form)
      opened.push(...(await Promise.all(next.map(open))))
    }
    clients = opened
  },

  /** Begins to count anew; so many events are expected by each client. */
  begin(expected: Uint32Array): void {
    pending = 0
    delivered = 0
    endedUs = 0
    const step = Math.max(1, (clients.length - 1) / (maxSampled - 1))
    const sampled = new Set(Array.from({ length: maxSampled }, (_, index) => Math.round(index * step)))
    for (const [index, client] of clients.entries()) {
      client.events = 0
      client.expected = expected[index] ?? 0
      client.arrivals = sampled.has(index) ? [] : undefined
      client.stream.reader.frames = 0
      client.stream.reader.bytes = 0
      if (client.expected > 0) pending++
    }
  },

  /** Resolves when all together have received so many events, or one of them is lost. */
  async reached(deliveries: number): Promise<void> {
    if (delivered >= deliveries || goneCount > 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    waiting = { deliveries, resolve }
    await promise
  },

  /** Resolves when every client has what it expects; rejects when one is lost, gets more, or the time is over. */
  async received(timeoutMs: number): Promise<ClientsReceived> {
    const deadlineMs = performance.now() + timeoutMs
    while (!isOver(deadlineMs)) await pause(pollMs)
    if (goneCount > 0) throw new Error(`${goneCount} connections were ended by the server`)
    if (pending > 0)
      throw new Error(`${pending} of ${clients.length} clients lack events after ${timeoutMs} ms`)
    const excess = clients.filter(({ events, expected }) => events > expected).length
    if (excess > 0) throw new Error(`${excess} clients received more events than were for them`)
    return {
      events: sumOf(({ events }) => events),
      frames: sumOf(({ stream }) => stream.reader.frames),
      bytes: sumOf(({ stream }) => stream.reader.bytes),
      endedUs,
      samples: clients.flatMap(({ arrivals }, client) =>
        arrivals === undefined ? [] : { client, atUs: Float64Array.from(arrivals) },
      ),
    }
  },

  /** Ends all connections. */
  async close(): Promise<void> {
    for (const { stream } of clients) stream.close()
    await Promise.all(clients.map(({ stream }) => stream.gone))
    clients = []
    goneCount = 0
  },
}

export type Clients = typeof functions

function isOver(deadlineMs: number): boolean {
  return pending === 0 || goneCount > 0 || performance.now() > deadlineMs
}

function openingOf(access: ClientsAccess, symbols: readonly string[]): StreamOpening {
  if (access.kind === 'peer') return { greeting: access.greeting, symbols }
  return { token: access.token, form: access.form, subscribe: { trades: symbols } }
}

async function openClient(target: StreamTarget, buffer: Buffer, form: LoadForm): Promise<Client> {
  const tally: Tally = { events: 0, expected: 0, arrivals: undefined }
  const count = form.createCounter()
  const stream = await StreamSocket.open(target, buffer, payload => {
    const events = count(payload)
    if (events > 0) take(tally, events)
  })
  void stream.gone.then(lose)
  return Object.assign(tally, { stream })
}

function lose(): void {
  goneCount++
  waiting?.resolve()
}

function take(client: Tally, events: number): void {
  const before = client.events
  client.events += events
  delivered += events
  if (waiting !== undefined && delivered >= waiting.deliveries) {
    waiting.resolve()
    waiting = undefined
  }
  if (client.arrivals !== undefined) {
    const us = monotonicUs()
    for (let event = 0; event < events; event++) client.arrivals.push(us)
  }
  if (before >= client.expected || client.events < client.expected) return
  if (--pending === 0) endedUs = monotonicUs()
}

function sumOf(figure: (client: Client) => number): number {
  return clients.reduce((sum, client) => sum + figure(client), 0)
}

answerCalls(functions)
