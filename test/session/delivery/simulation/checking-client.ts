import type { Channel, MarketEvent } from '../../../../src/event/event.ts'
import type { Session } from '../../../../src/session/session.ts'
import type { TransportName } from '../../../../src/session/transport.ts'
import { type ReaderStateName, readerSteps } from '../../../../src/session/delivery/reader-steps.ts'
import { request } from '../../session-fixture.ts'
import type { SimulatedNode } from './simulated-node.ts'
import { AcknowledgedSelection } from './acknowledged-selection.ts'
import {
  ClientPositions,
  type CoveredRange,
  cursorOf,
  type PartitionPosition,
  positionsOf,
} from '../../../support/partition-runs.ts'
import { JsonForm } from '../../../../src/wire/json/json-form.ts'
import { FormReader } from '../../../support/form-reader.ts'
import { PacedTransport } from './paced-transport.ts'
import type { FeedName, Where } from './steps.ts'
import { type Recipient, DeliveryCheck } from './delivery-check.ts'

const jsonForm = new JsonForm()

type Message = { readonly T: string } & Readonly<Record<string, unknown>>

export interface ClientOptions {
  /** Over `sse` a client sends nothing: to change its subscription it connects anew. */
  readonly transport: TransportName
  readonly isAcknowledging: boolean
  /** The wire form. */
  readonly form: string
  readonly policy: Readonly<Record<string, string>>
  /** The interval of its conflated channels; 0 for none. */
  readonly conflateMs: number
}

/** A symbol, or `*`, of a channel. */
export interface Item {
  readonly channel: Channel
  readonly symbol: string
}

/**
 * A client that follows PROTOCOL.md §8 to the letter. It handles frames whole, compares each with its
 * position, keeps a cursor, and reports everything that the protocol does not allow.
 */
export class CheckingClient implements Recipient {
  readonly faults: string[] = []
  /** The serial numbers of the lossless events, of all sessions. */
  readonly received = new Set<number>()
  /** The symbols that it wants, by channel. */
  readonly wanted = new Map<Channel, Set<string>>()
  /** The filters that it has asked for, by channel. */
  #where: Where = {}
  isFrozen = false
  node: SimulatedNode | undefined
  feed: FeedName = 'live'
  session: Session | undefined
  transport = new PacedTransport(jsonForm, 'websocket')
  #reader = new FormReader()
  readonly #options: ClientOptions
  readonly #positions = new ClientPositions(text => this.fault(text))
  /** Whether it leaves a topic out of its next cursor. */
  #isForgotten: (topic: string) => boolean = () => false
  #check: DeliveryCheck | undefined
  /** Data frames that it has handled on this connection. */
  #frames = 0
  #isSubscribed = false
  #readerState: ReaderStateName | undefined

  constructor(options: ClientOptions) {
    this.#options = options
  }

  /** Whether its last request has been answered. */
  get isSettled(): boolean {
    return this.#isSubscribed === (this.#check !== undefined)
  }

  get isSubscribed(): boolean {
    return this.#isSubscribed
  }

  /** Whether its session has nothing more to send. */
  get isLevel(): boolean {
    if (this.session === undefined) return this.wanted.size === 0
    return this.session.state === 'live' && this.session.isCaughtUp && this.isSettled
  }

  /** Whether it may subscribe at once. */
  get isReady(): boolean {
    return this.#hasUpstream ? this.session?.state === 'live' : this.node !== undefined
  }

  /** Over `sse` it connects with its subscription. */
  connect(node: SimulatedNode, feed: FeedName): void {
    this.node = node
    this.feed = feed
    this.#isSubscribed = false
    if (this.#hasUpstream) this.#open(node).authenticate('token')
    else this.transport = this.#createTransport(node)
  }

  /** The connection breaks, and frames that the client has not handled are lost, unsent ones too. */
  disconnect(): void {
    this.#check?.settle()
    this.#check = undefined
    if (this.session !== undefined) this.node?.sessions.remove(this.session)
    this.session = undefined
    this.#readerState = undefined
    this.transport = new PacedTransport(jsonForm, this.#options.transport)
  }

  /** Leaves a topic out of its next cursor, `everything` or `nothing`. */
  forget(topic: string): void {
    this.#isForgotten = each => topic === each || topic === 'everything'
  }

  /** Subscribes to what it wants, with further filters, from its cursor if it has one. */
  subscribe(snapshot: boolean, where: Where): void {
    this.#where = { ...this.#where, ...where }
    if (this.wanted.size === 0) return
    if (!this.#hasUpstream) this.#ask(snapshot)
    else if (this.session?.state === 'live' && this.isSettled)
      request(this.session, this.#subscription(snapshot))
  }

  unsubscribe({ channel, symbol }: Item): void {
    const symbols = this.wanted.get(channel)
    symbols?.delete(symbol)
    if (symbols?.size === 0) this.wanted.delete(channel)
    if (!this.#isSubscribed) return
    if (!this.#hasUpstream) this.#ask(false)
    else if (this.session?.state === 'live' && this.isSettled)
      request(this.session, { action: 'unsubscribe', [channel]: [symbol] })
  }

  get #hasUpstream(): boolean {
    return this.#options.transport === 'websocket'
  }

  #createTransport(node: SimulatedNode): PacedTransport {
    const form = node.feed(this.feed).feed.forms.find(({ name }) => name === this.#options.form)
    return new PacedTransport(form ?? jsonForm, this.#options.transport)
  }

  #open(node: SimulatedNode): Session {
    this.transport = this.#createTransport(node)
    this.#reader = new FormReader()
    this.session = node.sessions.open(this.transport, { address: '192.0.2.1', ageMs: 0, feed: this.feed })
    this.#frames = 0
    return this.session
  }

  /** Connects with everything that it wants. */
  #ask(snapshot: boolean): void {
    if (this.session !== undefined) this.forget('nothing')
    this.disconnect()
    this.#isSubscribed = false
    if (this.node === undefined || this.wanted.size === 0) return
    const subscribe = jsonForm.dialect.parse(JSON.stringify(this.#subscription(snapshot)))
    if ('code' in subscribe || subscribe.kind !== 'subscribe') return this.fault(JSON.stringify(subscribe))
    this.#open(this.node).begin({ token: 'token', subscribe })
  }

  #subscription(snapshot: boolean): object {
    const cursor = cursorOf(this.#positions.all.filter(({ topic }) => !this.#isForgotten(topic)))
    const isResume = !this.#isSubscribed && this.#positions.all.length > 0
    this.#isSubscribed = true
    return {
      action: 'subscribe',
      ...Object.fromEntries([...this.wanted].map(([channel, symbols]) => [channel, [...symbols]])),
      policy: this.#options.policy,
      where: this.#where,
      ...(this.#isConflating ? { conflateMs: this.#options.conflateMs } : {}),
      ...(snapshot ? { snapshot } : {}),
      ...(isResume ? { cursor } : {}),
    }
  }

  /** Handles and acknowledges the frames that have come, unless it is frozen. */
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

  /** The position in a partition; `undefined` if the session has no partition of that number any more. */
  positionOf(number: number): number | undefined {
    return this.#positions.of(number)
  }

  /** Its reader came to its state by steps of the table. */
  expectReachableState(): void {
    const state = this.session?.delivery?.readerState
    const from = this.#readerState ?? 'live'
    if (state !== undefined && !reachableFrom(from).has(state))
      this.fault(`a reader went from ${from} to ${state}`)
    this.#readerState = state
  }

  /** Reports what is missing when everything should have come. */
  settle(): void {
    this.#check?.expectEnd()
  }

  fault(text: string): void {
    this.faults.push(text)
  }

  /** Whether it may ask for an interval, because it wants a channel that is conflated. */
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
    const ranges = (coverage?.['ranges'] ?? []) as CoveredRange[]
    if (this.#check === undefined && (events.length > 0 || coverage !== undefined))
      this.fault(`data before the acknowledgement: ${JSON.stringify(messages)}`)
    this.#check?.takeFrame(events as unknown as MarketEvent[], coverage && ranges)
    this.#positions.cover(ranges)
    for (const message of messages) if (message.T.length > 1) this.#takeControl(message)
  }

  #takeControl(message: Message): void {
    if (message.T === 'subscription') this.#acknowledged(message)
    else if (message.T === 'error' && message['code'] !== 407 && message['code'] !== 500)
      this.fault(JSON.stringify(message))
    else if (this.#check === undefined) return
    else if (message.T === 'partitions') this.#addPartitions(positionsOf(message['partitions']))
    else if (message.T === 'heartbeat' || message.T === 'shutdown') this.#beat(message)
    else if (message.T === 'lost') this.#check.lose(message['ranges'] as CoveredRange[])
    else if (message.T === 'replaced') this.#check.skip(message['ranges'] as CoveredRange[])
    else if (message.T === 'resumed') this.#check.resumed(message['recovered'] === true)
    else if (message.T === 'snapshot')
      this.#check.takeSnapshot(message['events'] as MarketEvent[], message['since'])
  }

  #acknowledged(message: Message): void {
    const former = this.#positions.all
    const selection = new AcknowledgedSelection(message)
    if ('positions' in message) this.#positions.advance(message['positions'] as [number, number][])
    else this.#positions.begin(positionsOf(message['partitions']))
    const partitions = this.#positions.all
    if (this.#check !== undefined) return this.#check.acknowledged(selection, partitions)
    if (this.node === undefined) return
    const isResume = 'recovered' in message
    this.#check = new DeliveryCheck({
      client: this,
      feed: this.node.feed(this.feed),
      isResume,
      isAtOnce: this.#options.conflateMs === 0,
    })
    this.#check.acknowledged(selection, partitions)
    if (!isResume) return
    const sent = former.filter(({ topic }) => !this.#isForgotten(topic))
    this.#check.compare(sent, message['recovered'] === true)
  }

  #addPartitions(partitions: readonly PartitionPosition[]): void {
    for (const entry of partitions) {
      const former = this.#positions.add(entry)
      if (former !== undefined) this.#check?.retire(former)
      // The node had not found the partition when the session began, so the client has had nothing of it.
      else if (this.#isForgotten(entry.topic)) this.#check?.forget(entry.number)
      this.#check?.begin(entry)
    }
  }

  #beat({ T, positions = [] }: Message): void {
    const advanced = positions as [number, number][]
    if (T === 'heartbeat' && advanced.length > 0 && this.#check?.isCatchingUp === true)
      this.fault('positions in a heartbeat before "resumed"')
    this.#positions.advance(advanced)
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
