import { type Channel, channels } from '../../src/event/event.ts'
import { Feed } from '../../src/fanout/feed.ts'
import type { Partition, Position } from '../../src/event/position.ts'
import type { HistoricEvent, History } from '../../src/fanout/history.ts'
import { CatchUp } from '../../src/session/catch-up.ts'
import { Pace } from '../../src/session/pace.ts'
import { ReaderTurns } from '../../src/session/reader-turns.ts'
import type { Block } from '../../src/wire/block.ts'
import { jsonForm } from '../../src/wire/json-form.ts'
import type { PlacedEvent } from './batches.ts'

/** Where a reader that is behind reads. */
export type Source = 'memory' | 'log'

/** Who reads what. */
export interface BehindReader {
  /** The subprotocol. */
  readonly form: string
  readonly symbols: ReadonlySet<string> | '*'
}

/** A node that has read a market, and readers that come to it from the beginning. */
export class BehindMarket {
  readonly #feed: Feed
  readonly #history: History

  /** The window holds everything, or nothing, so that it is read from the log. */
  constructor(events: readonly PlacedEvent[], source: Source) {
    const maxBytes = source === 'memory' ? 2 ** 32 : 1
    const feed = new Feed({ maxItems: 100_000, window: { maxBytes, maxAgeMs: 1e12 }, flushDelayMs: 2 })
    const log = new Map<number, HistoricEvent[]>()
    for (const { event, partition, offset } of events) {
      const known = log.get(partition) ?? []
      if (known.length === 0) feed.advance(positionOf(partition, offset), offset)
      log.set(partition, known)
      const json = Buffer.from(JSON.stringify(event))
      known.push({ event, offset, json })
      feed.add(event, { partition: feed.numberOf(partitionOf(partition)), offset, writtenMs: 0, json })
    }
    for (const [partition, { length }] of log) feed.advance(positionOf(partition, length), length)
    this.#feed = feed
    this.#history = historyOf(log)
  }

  /** The frames that bring a reader from the beginning to the end, and how many events they have. */
  async read({ form: subprotocol, symbols }: BehindReader): Promise<{ frames: Block[]; events: number }> {
    const feed = this.#feed
    const form = feed.forms.find(each => each.subprotocol === subprotocol)
    if (form === undefined) throw new Error(`${subprotocol}: no form`)
    const frames: Block[] = []
    const interest = new Map<Channel, ReadonlySet<string> | '*'>(channels.map(each => [each, symbols]))
    const catchUp = new CatchUp(
      {
        feed,
        form,
        preface: form.preface?.(),
        history: this.#history,
        turns: new ReaderTurns(),
        pace: everReady(),
        newest: [],
        interest: () => interest,
        revision: () => 0,
        prepare: () => true,
        take: () => Promise.resolve(),
        inTurn: work => work(),
        deliver: block => void frames.push(block),
        tell: () => undefined,
        lose: extent => {
          throw new Error(`lost: ${JSON.stringify(extent)}`)
        },
        counts: { memory: 0, log: 0 },
        signal: new AbortController().signal,
      },
      feed.positions().map(({ number }) => ({ number, offset: 0 })),
    )
    await catchUp.run(() => undefined)
    return { frames, events: catchUp.events }
  }
}

const partitions = new Map<number, Partition>()

/** A log hands out one object for each. */
function partitionOf(partition: number): Partition {
  const known = partitions.get(partition) ?? { topic: 'market', partition }
  partitions.set(partition, known)
  return known
}

function positionOf(partition: number, offset: number): Position {
  return { partition: partitionOf(partition), epoch: 'e', offset }
}

/** A log from which every offset that was asked for comes in one batch. */
function historyOf(log: ReadonlyMap<number, readonly HistoricEvent[]>): History {
  const end = ({ partition }: Partition): Promise<number> => Promise.resolve(log.get(partition)?.length ?? 0)
  return {
    reach: async partition => ({ first: 0, recent: 0, stable: await end(partition) }),
    end,
    async *read({ partition, offset }, to) {
      yield { from: offset, to, events: (log.get(partition.partition) ?? []).slice(offset, to) }
    },
  }
}

/** A client that takes everything at once. */
function everReady(): Pace {
  return new Pace({
    transport: {
      form: jsonForm,
      unsentBytes: 0,
      signsOfLife: 0,
      hasRoom: true,
      written: { frames: 0, bytes: 0 },
      write: () => 'written',
      onDrain: () => undefined,
      close: () => undefined,
    },
    limits: { maxUnackedBytes: Infinity, maxUnackedMs: Infinity },
    clock: { wall: () => 0, steady: () => 0 },
  })
}
