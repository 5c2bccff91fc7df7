import { isSymbol } from '../../../src/event/symbol.ts'
import { isTime } from '../../../src/event/time.ts'
import type { MarketEvent } from '../../../src/event/event.ts'
import { TapeWriter } from '../../../src/wire/tape/encoding/tape-writer.ts'
import { TapeDecoder, type TapeFrame } from '../../../src/wire/tape/decoding/tape-decoder.ts'
import { TapeEncoder } from '../../../src/wire/tape/encoding/tape-encoder.ts'
import { TapeError } from '../../../src/wire/tape/decoding/tape-reader.ts'
import { Random } from '../../support/random.ts'
import { generateTape } from '../../support/tape.ts'
import { writeReset, FrameMaker, ItemNumbers, type Part, partOf } from './tape-fixture.ts'

/** The frames of a short connection: the first begins it. */
type Connection = readonly [Uint8Array, ...Uint8Array[]]

/** What became of some frames that were bitten into. */
export interface NoiseCounts {
  /** Frames that were given to decoders. */
  inputs: number
  refused: number
  /** Frames that were read all the same. */
  read: number
  /** Events in them. */
  events: number
  /** By the first words of their errors. */
  readonly reasons: Map<string, number>
}

const limits = { frameBytes: 4096, frameEvents: 64, items: 32, partitions: 16 }
const framesEach = 3
const eventsEach = 6
const messages = new TextEncoder().encode('[{"T":"success","msg":"connected"},{"T":"heartbeat","lag":0}]')

/**
 * Gives decoders frames with errors in them, and looks at what comes of it. The same seed gives the same
 * frames.
 */
export class TapeNoise {
  readonly counts: NoiseCounts = { inputs: 0, refused: 0, read: 0, events: 0, reasons: new Map() }
  readonly #random: Random
  readonly #connections: readonly Connection[]

  constructor(seed: number) {
    this.#random = new Random(seed)
    this.#connections = Array.from({ length: 40 }, (_, index) => connection(seed + index))
  }

  /**
   * One connection with errors. Throws if something else than a `TapeError` comes of it, or an event that
   * cannot be.
   */
  step(): void {
    const frames = this.#random.pick(this.#connections)
    const decoder = new TapeDecoder(limits)
    const isOpeningWhole = this.#random.chance(0.8)
    for (const [index, frame] of frames.entries()) {
      const bitten = index === 0 && isOpeningWhole ? frame : this.#bite(frame)
      if (!this.#give(decoder, bitten)) return
    }
  }

  #give(decoder: TapeDecoder, frame: Uint8Array): boolean {
    this.counts.inputs++
    try {
      const read = decoder.decode(frame)
      this.counts.read++
      this.counts.events += checked(read)
      return true
    } catch (error) {
      if (!(error instanceof TapeError)) throw new Error(`${hex(frame)}: not a TapeError`, { cause: error })
      this.counts.refused++
      const reason = error.message.replace(/\d+/g, '#').slice(0, 40)
      this.counts.reasons.set(reason, (this.counts.reasons.get(reason) ?? 0) + 1)
      return false
    }
  }

  /** Changes, cuts, doubles, moves and inserts bytes, a few times. */
  #bite(frame: Uint8Array): Uint8Array {
    const random = this.#random
    let bytes = frame
    for (let times = random.pick([0, 1, 1, 1, 2, 4]); times > 0; times--) {
      const at = random.whole(0, Math.max(0, bytes.length - 1))
      const to = Math.min(bytes.length, at + random.whole(0, 12))
      const [before, piece, after] = [bytes.subarray(0, at), bytes.subarray(at, to), bytes.subarray(to)]
      const bite = random.whole(0, 6)
      if (bite === 0) bytes = joined(before)
      else if (bite === 1) bytes = joined(before, after)
      else if (bite === 2) bytes = joined(before, piece, piece, after)
      else if (bite === 3) bytes = joined(before, [random.pick(odd)], after)
      else if (bite === 4)
        bytes = joined(
          before,
          Array.from({ length: random.whole(1, 9) }, () => 0xff),
          after,
        )
      else bytes = flipped(bytes, at, 1 << random.whole(0, 7))
    }
    return random.chance(0.01)
      ? Uint8Array.from({ length: random.whole(0, 60) }, () => random.whole(0, 255))
      : bytes
  }
}

const odd = [0, 1, 2, 3, 4, 5, 6, 7, 8, 0x3f, 0x40, 0x5b, 0x7f, 0x80, 0x81, 0xfe, 0xff]

function joined(...pieces: readonly ArrayLike<number>[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}

function flipped(bytes: Uint8Array, at: number, bit: number): Uint8Array {
  const copy = bytes.slice()
  if (at < copy.length) copy[at] = (copy[at] ?? 0) ^ bit
  return copy
}

/**
 * How many events there are, each with what a reader relies on: nothing beyond the limits, and values that
 * its fields can have.
 */
function checked(frame: TapeFrame): number {
  if (frame.kind === 'messages') return 0
  const { events, ranges, replaced } = frame
  if (events.length > limits.frameEvents || ranges.length > limits.partitions)
    throw new RangeError('too many')
  for (const { from, to } of ranges)
    if (!Number.isSafeInteger(to) || from >= to) throw new RangeError('range')
  for (const [index, count] of replaced)
    if (index >= events.length || count < 1) throw new RangeError('count')
  for (const event of events) if (event.T !== 'n' && isTyped(event)) check(event)
  return events.length
}

/** Events in JSON are what the gateway said; the others have been put together. */
function isTyped(event: Exclude<MarketEvent, { T: 'n' }>): boolean {
  return (
    Object.keys(event)[2] === 't' &&
    Object.values(event).every(value => typeof value !== 'object' || Object.isFrozen(value))
  )
}

function check(event: Exclude<MarketEvent, { T: 'n' }>): void {
  if (!isSymbol(event.S) || !isTime(event.t)) throw new RangeError(JSON.stringify(event))
  for (const value of Object.values(event)) {
    if (typeof value === 'number' && !(Math.abs(value) <= Number.MAX_SAFE_INTEGER))
      throw new RangeError(`${value}`)
  }
}

/** A short connection with records of every kind: it begins in the midst of a market. */
function connection(seed: number): Connection {
  const encoder = new TapeEncoder()
  const numbers = new ItemNumbers()
  const events = generateTape({ seed, symbols: 2, events: 80 })
  const parts = events.map((event, index): Part => {
    const item = numbers.of(event)
    return partOf(encoder, event, { item, partition: item % 3, replaces: index % 7 === 0 ? 3 : 0 })
  })
  const bases = new TapeWriter()
  writeReset(bases)
  const early = new TapeEncoder()
  const met = events.slice(0, -eventsEach * framesEach)
  for (const event of met) partOf(early, event, { item: numbers.of(event), partition: numbers.of(event) % 3 })
  for (const item of numbers.all) early.base(item, bases)
  const frames = new FrameMaker([0, 300, 2 ** 40])
  const opening = frames.opening(bases)
  const later = parts.slice(-eventsEach * framesEach)
  const beyond = new Map([
    [1, 500],
    [0, 9],
  ])
  const changes = Array.from({ length: framesEach }, (_, index) =>
    frames.frame(later.slice(index * eventsEach, (index + 1) * eventsEach), index === 1 ? beyond : new Map()),
  )
  return [opening, ...changes, messages]
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join('')
}
