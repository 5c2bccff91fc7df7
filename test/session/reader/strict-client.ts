import type { Channel, MarketEvent } from '../../../src/event/event.ts'
import type { Session } from '../../../src/session/session.ts'
import { type ReaderStateName, readerSteps } from '../../../src/session/delivery/reader-steps.ts'
import { request } from '../stage.ts'
import type { GatewayNode } from './gateway-node.ts'
import { Told } from './told.ts'
import { cursorOf, positionsOf } from '../../support/partition-runs.ts'
import { type CursorEntry, isSamePartition } from './cursor-entry.ts'
import { JsonForm } from '../../../src/wire/json/json-form.ts'
import { FormReader } from '../../support/form-reader.ts'
import { PacedTransport } from './paced-transport.ts'
import { type Recipient, SessionLedger } from './session-ledger.ts'

const jsonForm = new JsonForm()

type Message = { readonly T: string } & Readonly<Record<string, unknown>>
type Range = readonly [number: number, from: number, to: number]

export interface ClientOptions {
  readonly isAcknowledging: boolean
  /** The subprotocol. */
  readonly form: string
  readonly policy: Readonly<Record<string, string>>
  /** At which interval it wants its conflated channels told; 0 for none. */
  readonly conflateMs: number
}

/** A symbol, or `*`, of a channel. */
export interface Item {
  readonly channel: Channel
  readonly symbol: string
}

/**
 * A client that takes PROTOCOL.md §8 at its word: it takes frames whole, holds each against what it has, keeps a cursor, and notes
 * whatever it cannot believe.
 */
export class StrictClient implements Recipient {
  readonly faults: string[] = []
  /** The serial numbers of the lossless events, of all sessions. */
  readonly received = new Set<number>()
  /** By channel, what it wants. */
  readonly wanted = new Map<Channel, Set<string>>()
  isFrozen = false
  node: GatewayNode | undefined
  session: Session | undefined
  transport = new PacedTransport(jsonForm)
  #reader = new FormReader()
  readonly #options: ClientOptions
  #positions = new Map<number, CursorEntry>()
  /** Topics that it leaves out of its next cursor. */
  #forgotten: (topic: string) => boolean = () => false
  #ledger: SessionLedger | undefined
  /** Data frames that it has handled on this connection. */
  #frames = 0
  #isSubscribed = false
  #readerState: ReaderStateName | undefined

  constructor(options: ClientOptions) {
    this.#options = options
  }

  /** Whether it may ask for something else. */
  get isSettled(): boolean {
    return this.#isSubscribed === (this.#ledger !== undefined)
  }

  get isSubscribed(): boolean {
    return this.#isSubscribed
  }

  /** Whether nothing is on its way to it, as far as can be seen. */
  get isLevel(): boolean {
    return this.session?.state === 'live' && this.session.isLevel && this.isSettled
  }

  connect(node: GatewayNode): void {
    this.node = node
    const form = node.feed.forms.find(({ subprotocol }) => subprotocol === this.#options.form)
    this.transport = new PacedTransport(form ?? jsonForm)
    this.#reader = new FormReader()
    this.session = node.sessions.open(this.transport, { address: '192.0.2.1', ageMs: 0 })
    this.session.authenticate('token')
    this.#frames = 0
    this.#isSubscribed = false
  }

  /** The connection breaks: what the client has not handled is lost. */
  disconnect(): void {
    this.#ledger?.settle()
    this.#ledger = undefined
    if (this.session !== undefined) this.node?.sessions.gone(this.session)
    this.session = undefined
    this.#readerState = undefined
    this.transport.inbox = []
  }

  /** Leaves a topic out of its next cursor, `everything` or `nothing`. */
  forget(topic: string): void {
    this.#forgotten = each => topic === each || topic === 'everything'
  }

  /** Subscribes to what it wants, from its cursor if it has one. */
  subscribe(snapshot: boolean): void {
    if (this.session?.state !== 'live' || !this.isSettled || this.wanted.size === 0) return
    const partitions = [...this.#positions.values()].filter(({ topic }) => !this.#forgotten(topic))
    const cursor = cursorOf(partitions)
    const isResume = !this.#isSubscribed && this.#positions.size > 0
    this.#isSubscribed = true
    request(this.session, {
      action: 'subscribe',
      ...Object.fromEntries([...this.wanted].map(([channel, symbols]) => [channel, [...symbols]])),
      policy: this.#options.policy,
      ...(this.#isConflating ? { conflateMs: this.#options.conflateMs } : {}),
      ...(snapshot ? { snapshot } : {}),
      ...(isResume ? { cursor } : {}),
    })
  }

  unsubscribe({ channel, symbol }: Item): void {
    const symbols = this.wanted.get(channel)
    symbols?.delete(symbol)
    if (symbols?.size === 0) this.wanted.delete(channel)
    if (this.session?.state !== 'live' || !this.isSettled || !this.#isSubscribed) return
    request(this.session, { action: 'unsubscribe', [channel]: [symbol] })
  }

  /** Handles what has come, unless it is frozen, and acknowledges it. */
  read(): boolean {
    if (this.isFrozen) return false
    const frames = this.transport.inbox.splice(0)
    const before = this.#frames
    for (const { payload, isBinary } of frames) {
      if (isBinary) this.#frames++
      this.#take(this.#reader.messagesOf(payload, isBinary), isBinary)
    }
    if (this.#options.isAcknowledging && this.#frames > before && this.session !== undefined)
      request(this.session, { action: 'ack', n: this.#frames })
    return frames.length > 0
  }

  /** Up to where it has everything of a partition; `undefined` if the number stands for none any more. */
  positionOf(number: number): number | undefined {
    return this.#positions.get(number)?.position
  }

  /** Its reader came to its state by steps of the table. */
  expectReachableState(): void {
    const state = this.session?.readerState
    const from = this.#readerState ?? 'live'
    if (state !== undefined && !reachableFrom(from).has(state))
      this.fault(`a reader went from ${from} to ${state}`)
    this.#readerState = state
  }

  /** Says what is missing now that everything has come. */
  settle(): void {
    this.#ledger?.expectEnd()
  }

  fault(text: string): void {
    this.faults.push(text)
  }

  /** Whether it may ask for an interval: something of what it names is conflated. */
  get #isConflating(): boolean {
    const { conflateMs, policy } = this.#options
    if (conflateMs === 0) return false
    return policy['trades'] === 'conflate' || (policy['quotes'] !== 'every' && this.wanted.has('quotes'))
  }

  #take(messages: readonly Message[], isCounted: boolean): void {
    const first = messages[0]
    if (!isCounted && first !== undefined && (first.T.length === 1 || first.T === 'snapshot')) this.#frames++
    const events = messages.filter(({ T }) => T.length === 1)
    const coverage = messages.find(({ T }) => T === 'coverage')
    const ranges = (coverage?.['ranges'] ?? []) as Range[]
    if (this.#ledger === undefined && (events.length > 0 || coverage !== undefined))
      this.fault(`data before the acknowledgement: ${JSON.stringify(messages)}`)
    this.#ledger?.takeFrame(events as unknown as MarketEvent[], coverage && ranges)
    this.#cover(ranges)
    for (const message of messages) if (message.T.length > 1) this.#takeControl(message)
  }

  #takeControl(message: Message): void {
    if (message.T === 'subscription') this.#acknowledged(message)
    else if (message.T === 'error' && message['code'] !== 407 && message['code'] !== 500)
      this.fault(JSON.stringify(message))
    else if (this.#ledger === undefined) return
    else if (message.T === 'partitions') this.#number(positionsOf(message['partitions']))
    else if (message.T === 'heartbeat' || message.T === 'shutdown') this.#beat(message)
    else if (message.T === 'lost') this.#ledger.lose(message['ranges'] as Range[])
    else if (message.T === 'replaced') this.#ledger.skip(message['ranges'] as Range[])
    else if (message.T === 'resumed') this.#ledger.resumed(message['recovered'] === true)
    else if (message.T === 'snapshot')
      this.#ledger.takeSnapshot(message['events'] as MarketEvent[], message['since'])
  }

  #acknowledged(message: Message): void {
    const former = this.#positions
    const told = new Told(message)
    if ('positions' in message) {
      for (const [number, position] of message['positions'] as [number, number][])
        this.#reach(number, position)
    } else {
      this.#positions = new Map(positionsOf(message['partitions']).map(entry => [entry.number, entry]))
    }
    const partitions = [...this.#positions.values()]
    if (this.#ledger !== undefined) return this.#ledger.acknowledged(told, partitions)
    if (this.node === undefined) return
    const isResume = 'recovered' in message
    this.#ledger = new SessionLedger({
      client: this,
      node: this.node,
      isResume,
      isAtOnce: this.#options.conflateMs === 0,
    })
    this.#ledger.acknowledged(told, partitions)
    if (!isResume) return
    const brought = [...former.values()].filter(({ topic }) => !this.#forgotten(topic))
    this.#ledger.compare(brought, message['recovered'] === true)
  }

  #number(partitions: readonly CursorEntry[]): void {
    for (const entry of partitions) {
      const former = [...this.#positions.values()].find(each => isSamePartition(each, entry))
      if (former !== undefined && this.#positions.delete(former.number)) this.#ledger?.retire(former)
      // Its node had not found it when the session began: it has had nothing of what it forgot.
      else if (this.#forgotten(entry.topic)) this.#ledger?.forget(entry.number)
      this.#positions.set(entry.number, entry)
      this.#ledger?.begin(entry)
    }
  }

  #beat({ T, positions = [] }: Message): void {
    const told = positions as [number, number][]
    if (T === 'heartbeat' && told.length > 0 && this.#ledger?.isCatchingUp === true)
      this.fault('positions in a heartbeat before "resumed"')
    for (const [number, position] of told) this.#reach(number, position)
  }

  #cover(ranges: readonly Range[]): void {
    for (const [number, from, to] of ranges) {
      const have = this.#positions.get(number)?.position ?? -1
      if (from > have) this.fault(`a gap in ${number}: from ${from}, but it has ${have}`)
      if (from > to) this.fault(`a range in ${number}: [${from}, ${to})`)
      this.#reach(number, to)
    }
  }

  #reach(number: number, position: number): void {
    const entry = this.#positions.get(number)
    if (entry === undefined) return this.fault(`an unknown number: ${number}`)
    if (position > entry.position) this.#positions.set(number, { ...entry, position })
  }
}

/** Whether a reader in this state reads at its client's speed. */
export function isBehind(state: ReaderStateName | undefined): boolean {
  return state === 'catchingUp' || state === 'rejoining'
}

const reachable = new Map<ReaderStateName, ReadonlySet<ReaderStateName>>()

/** The states that any number of steps lead to. */
function reachableFrom(from: ReaderStateName): ReadonlySet<ReaderStateName> {
  const known = reachable.get(from)
  if (known !== undefined) return known
  const states = new Set([from])
  for (const state of states) for (const { to } of Object.values(readerSteps[state])) states.add(to)
  reachable.set(from, states)
  return states
}
