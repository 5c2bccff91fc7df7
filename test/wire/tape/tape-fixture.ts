import { channelOfType, type MarketEvent } from '../../../src/event/event.ts'
import { TapeWriter } from '../../../src/wire/tape/encoding/tape-writer.ts'
import { recordKinds } from '../../../src/wire/tape/tape-layout.ts'
import type { TapeEncoder } from '../../../src/wire/tape/encoding/tape-encoder.ts'
import type { EventSource } from '../../../src/wire/wire-form.ts'
import {
  writeCovers,
  writeFrameHead,
  writeFrameTail,
  writeReplaced,
} from '../../../src/wire/tape/encoding/tape-frame.ts'

/** Tells the receiver to forget every item. PROTOCOL.md allows it; the gateway does not send it. */
export function writeReset(out: TapeWriter): void {
  out.number(recordKinds.reset)
}

/** Numbers items as a gateway does: by their first events. */
export class ItemNumbers {
  readonly #numbers = new Map<string, number>()

  of(event: MarketEvent): number {
    const name = `${channelOfType[event.T]}/${event.T === 'n' ? '' : event.S}`
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    this.#numbers.set(name, this.#numbers.size)
    return this.#numbers.size - 1
  }

  /** Every number that was given. */
  get all(): readonly number[] {
    return [...this.#numbers.values()]
  }
}

/** A record that goes into frames. */
export interface Part {
  readonly bytes: Uint8Array
  readonly partition: number
  readonly replaces: number
}

/** The record of an event, on its own. */
export function partOf(
  encoder: TapeEncoder,
  event: MarketEvent,
  place: EventSource & { readonly replaces?: number },
): Part {
  const out = new TapeWriter()
  writeReplaced(place.replaces ?? 0, out)
  encoder.encode(event, place, out)
  return { bytes: out.written, partition: place.partition, replaces: place.replaces ?? 0 }
}

/** Makes the frames of one receiver, from the stated begin of each partition on. */
export class FrameMaker {
  readonly #reached: number[]

  constructor(begins: readonly number[]) {
    this.#reached = [...begins]
  }

  get reached(): readonly number[] {
    return this.#reached
  }

  /** Tells where each partition begins, with what else there is to begin with. */
  opening(records: TapeWriter = new TapeWriter()): Uint8Array {
    const out = new TapeWriter()
    out.byte(0x80)
    for (const [partition, from] of this.#reached.entries()) writeCovers({ partition, from, to: from }, out)
    out.append(records.written)
    return out.written.slice()
  }

  /** A frame that takes some partitions this much further than their events. */
  frame(parts: readonly Part[], beyond: ReadonlyMap<number, number> = new Map()): Uint8Array {
    const events = new Map<number, number>()
    for (const { partition, replaces } of parts) {
      events.set(partition, (events.get(partition) ?? 0) + 1 + replaces)
    }
    for (const partition of beyond.keys()) events.set(partition, events.get(partition) ?? 0)
    const numbers = [...events.keys()]
    const from = numbers.map(number => this.#reached[number] ?? 0)
    for (const number of numbers) {
      this.#reached[number] =
        (this.#reached[number] ?? 0) + (events.get(number) ?? 0) + (beyond.get(number) ?? 0)
    }
    const to = numbers.map(number => this.#reached[number] ?? 0)
    const ranges = { count: numbers.length, numbers, from, to, events: [...events.values()] }
    const out = new TapeWriter()
    writeFrameHead(ranges, out)
    for (const { bytes } of parts) out.append(bytes)
    writeFrameTail(ranges, out)
    return out.written.slice()
  }
}

/** What anyone sees of an event: JSON has no -0. */
export function seen(event: MarketEvent): unknown {
  return JSON.parse(JSON.stringify(event))
}
