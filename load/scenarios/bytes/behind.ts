import { channels } from '../../../src/event/event.ts'
import { Feed } from '../../../src/feed/feed.ts'
import type { Partition, Position } from '../../../src/event/log-record.ts'
import type { HistoricEvent, History } from '../../../src/history/history.ts'
import { CatchUp } from '../../../src/session/catch-up/catch-up.ts'
import { FlowControl } from '../../../src/session/delivery/flow-control.ts'
import { ReaderScheduler } from '../../../src/session/catch-up/reader-scheduler.ts'
import type { Payload } from '../../../src/wire/payload.ts'
import { JsonForm } from '../../../src/wire/json/json-form.ts'
import { createTickerV1Forms } from '../../../src/wire/ticker-v1-forms.ts'
import type { PlacedEvent } from './batches.ts'
import { Selection } from '../../../src/feed/selection.ts'

/** Where a session that is behind reads. */
export type Source = 'memory' | 'log'

export interface BehindReader {
  readonly form: string
  readonly symbols: ReadonlySet<string> | '*'
  /** Where it begins in a partition that is so long; at 0 if left out. */
  readonly begin?: (length: number) => number
}

/** The limits of a window from which everything is read, or nothing. */
export const windowBytes: Readonly<Record<Source, number>> = { memory: 2 ** 32, log: 1 }

/** A node that reads a market, and sessions that resume there. */
export class BehindMarket {
  readonly #feed: Feed
  readonly #log = new Map<number, HistoricEvent[]>()

  /** Events that the window does not hold are read from the log. */
  constructor(maxBytes: number) {
    this.#feed = new Feed({
      maxItems: 100_000,
      window: { maxBytes, maxAgeMs: 1e12 },
      flushDelayMs: 2,
      createForms: createTickerV1Forms,
    })
  }

  take(events: readonly PlacedEvent[]): this {
    const feed = this.#feed
    for (const { event, partition, offset } of events) {
      const known = this.#log.get(partition) ?? []
      if (known.length === 0) feed.advance(positionOf(partition, offset), offset)
      this.#log.set(partition, known)
      const json = Buffer.from(JSON.stringify(event))
      known.push({ event, offset, json })
      feed.add(event, { partition: feed.numberOf(partitionOf(partition)), offset, writtenMs: 0, json })
    }
    for (const [partition, { length }] of this.#log)
      if (length > 0) feed.advance(positionOf(partition, length), length)
    return this
  }

  /** The frames that bring a reader to the end, and how many events they have. */
  async read({
    form: name,
    symbols,
    begin = () => 0,
  }: BehindReader): Promise<{ frames: Payload[]; events: number }> {
    const feed = this.#feed
    const form = feed.forms.find(each => each.name === name)
    if (form === undefined) throw new Error(`${name}: no form`)
    const frames: Payload[] = []
    const selection = new Selection(new Map(channels.map(each => [each, symbols])))
    const catchUp = new CatchUp(
      {
        feed,
        form,
        deltaBases: form.createDeltaBases?.(),
        history: historyOf(this.#log),
        scheduler: new ReaderScheduler(),
        flowControl: everReady(),
        conflated: [],
        selection: () => selection,
        onProgress: () => undefined,
        prepare: () => true,
        takeBytes: () => Promise.resolve(),
        runRead: work => work(),
        send: frame => void frames.push(frame),
        tell: () => undefined,
        lose: range => {
          throw new Error(`lost: ${JSON.stringify(range)}`)
        },
        counts: { memory: 0, log: 0 },
        signal: new AbortController().signal,
      },
      feed.positions.map(({ number, offset }) => ({ number, offset: begin(offset) })),
    )
    await catchUp.run(() => undefined)
    return { frames, events: catchUp.events }
  }
}

const partitions = new Map<number, Partition>()

/** A log has one object for each partition. */
function partitionOf(partition: number): Partition {
  const known = partitions.get(partition) ?? { topic: 'market', partition }
  partitions.set(partition, known)
  return known
}

function positionOf(partition: number, offset: number): Position {
  return { partition: partitionOf(partition), epoch: 'e', offset }
}

/** A log that returns every read in one batch. */
function historyOf(log: ReadonlyMap<number, readonly HistoricEvent[]>): History {
  const end = ({ partition }: Partition): Promise<number> => Promise.resolve(log.get(partition)?.length ?? 0)
  return {
    readableRange: async partition => ({ first: 0, recent: 0, stable: await end(partition) }),
    end,
    async *read({ partition, offset }, to) {
      yield { from: offset, to, events: (log.get(partition.partition) ?? []).slice(offset, to) }
    },
  }
}

/** A client that takes everything at once. */
function everReady(): FlowControl {
  return new FlowControl({
    transport: {
      traits: { name: 'websocket', maxMessageBytes: Infinity, isOrdered: true, hasUpstream: true },
      form: new JsonForm(),
      unsentBytes: 0,
      signsOfLife: 0,
      hasRoom: true,
      written: { frames: 0, bytes: 0 },
      write: () => 'written',
      onDrain: () => undefined,
      opened: () => undefined,
      close: () => undefined,
    },
    limits: { maxUnackedBytes: Infinity, maxUnackedMs: Infinity },
    clock: { wall: () => 0, steady: () => 0 },
  })
}
