import { EventFault, parseEvent } from '../../../../src/event/parse-event.ts'
import { plainFraming } from '../../../../src/transport/websocket/websocket-framing.ts'
import { binaryPayload, textPayload } from '../../../../src/wire/payload.ts'
import { TapeWriter } from '../../../../src/wire/tape/encoding/tape-writer.ts'
import { TapeEncoder } from '../../../../src/wire/tape/encoding/tape-encoder.ts'
import { writeCovers, writeFrameHead } from '../../../../src/wire/tape/encoding/tape-frame.ts'
import { denseFrame } from '../../../../src/wire/tape/tape-layout.ts'
import type { Batch, BatchEvent } from '../workload.ts'

/** Frames as the gateway would write them, of batches that follow one another in a partition. */
export interface FloorFrames {
  /** The first frame of a connection that comes now, if there is any. */
  opening(): Buffer | undefined
  /** Takes the next batch; returns what makes the frame of some of its events, by their indices. */
  take(batch: Batch): (indices: readonly number[]) => Buffer
}

/** What a server of the floor writes in a wire form. */
export function createFloorFrames(form: string): FloorFrames {
  return form === 'ticker.v1.tape' ? new TapeFrames() : jsonFrames()
}

function jsonFrames(): FloorFrames {
  let offset = 0
  return {
    opening: () => undefined,
    take(batch) {
      const from = offset
      offset += batch.length
      return indices => {
        const events = indices.map(index => batch[index]?.text ?? '')
        const coverage = `{"T":"coverage","ranges":[[0,${from},${from + events.length}]]}`
        return textPayload(`[${[...events, coverage].join(',')}]`).framed(plainFraming)
      }
    },
  }
}

/** The only partition, as of the gateway's events. */
const partition = 0

/**
 * Frames in the tape form: one chain of changes for all, as in the gateway. Items have no events before the
 * first client connects, so every client gets their absolute records. A frame covers its batch, whatever its
 * receivers had before, so that those with the same events share it.
 */
class TapeFrames implements FloorFrames {
  readonly #encoder = new TapeEncoder()
  readonly #items = new Map<string, number>()
  readonly #out = new TapeWriter()
  #offset = 0

  opening(): Buffer {
    this.#out.clear()
    this.#out.byte(denseFrame)
    writeCovers({ partition, from: this.#offset, to: this.#offset }, this.#out)
    return binaryPayload(this.#out.written).framed(plainFraming)
  }

  take(batch: Batch): (indices: readonly number[]) => Buffer {
    const records = batch.map(event => this.#record(event))
    const from = this.#offset
    this.#offset += batch.length
    return indices => {
      const range = { count: 1, numbers: [partition], from: [from], to: [from + batch.length] }
      this.#out.clear()
      writeFrameHead({ ...range, events: [indices.length] }, this.#out)
      for (const index of indices) this.#out.append(records[index] ?? new Uint8Array(0))
      return binaryPayload(this.#out.written).framed(plainFraming)
    }
  }

  #record({ text }: BatchEvent): Uint8Array {
    const event = parseEvent(JSON.parse(text))
    if (event instanceof EventFault) throw new Error(`${text}: no event`)
    const name = event.T === 'n' ? '' : `${event.T} ${event.S}`
    const item = this.#items.get(name) ?? this.#items.size
    this.#items.set(name, item)
    this.#out.clear()
    this.#encoder.encode(event, { item, partition }, this.#out)
    return this.#out.written.slice()
  }
}
