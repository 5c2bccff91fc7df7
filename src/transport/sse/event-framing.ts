import type { Payload } from '../../wire/payload.ts'
import { PayloadMemory } from '../../wire/payload-memory.ts'
import {
  type GzipChecksum,
  storedHeadBytes,
  storedLengthBytes,
  storedSize,
  writeStored,
  writeStoredHead,
  writeStoredLength,
} from './gzip-format.ts'

/** How the body of a response is written. */
export interface BodyForm {
  /** In chunks (RFC 9112 §7.1); otherwise up to the end of the connection. */
  readonly isChunked: boolean
  readonly isCompressed: boolean
}

/** An event as it goes to the socket. */
export interface EventFrame {
  readonly bytes: Buffer
  /** The event before compression: `head`, the payload, and an empty line. */
  readonly head: string
  readonly payload: Payload
}

const eventEnd = '\n\n'
const lineEnd = '\r\n'

/**
 * Makes events of payloads, for all responses of one form. Sessions that get the same payload and are at the
 * same positions share the event: neighbours in a fan-out nearly always are.
 */
export class EventFraming {
  readonly #form: BodyForm
  /** For the event under way; overwritten by the next one if all sockets have taken it. */
  readonly #memory = new PayloadMemory()
  #last: EventFrame | undefined
  #lastId: string | undefined
  #isTaken = true

  constructor(form: BodyForm) {
    this.#form = form
  }

  /** Returns an event, to be written at once. Its writer then calls `settle`. */
  frame(payload: Payload, id: string | undefined): EventFrame {
    const last = this.#last
    if (last !== undefined && last.payload === payload && this.#lastId === id) return last
    if (this.#isTaken) this.#memory.reuse()
    else this.#memory.keep()
    this.#isTaken = true
    const head = id === undefined ? 'data: ' : `id: ${id}\ndata: `
    this.#last = { bytes: this.#encode(head, payload), head, payload }
    this.#lastId = id
    return this.#last
  }

  /** States whether the socket has taken the whole event, so that it needs its memory no more. */
  settle(isTaken: boolean): void {
    this.#isTaken &&= isTaken
  }

  /** Returns the body's part that holds some bytes of the coding, such as its head. */
  wrap(bytes: Buffer): Buffer {
    if (!this.#form.isChunked) return bytes
    return Buffer.concat([Buffer.from(chunkHead(bytes.length)), bytes, Buffer.from(lineEnd)])
  }

  /** Returns the body's part that holds a short text. */
  text(text: string): Buffer {
    const bytes = Buffer.from(text)
    if (!this.#form.isCompressed) return this.wrap(bytes)
    const stored = Buffer.allocUnsafe(storedSize(bytes.length))
    writeStored(stored, 0, bytes)
    return this.wrap(stored)
  }

  #encode(head: string, payload: Payload): Buffer {
    const { isChunked, isCompressed } = this.#form
    const deflated = isCompressed ? payload.deflated() : undefined
    const plainBytes = head.length + payload.length + eventEnd.length
    const bytes = isCompressed ? compressedSize(head, plainBytes, deflated) : plainBytes
    const before = isChunked ? chunkHead(bytes) : ''
    const length = before.length + bytes + (isChunked ? lineEnd.length : 0)
    const into = this.#memory.allocate(length)
    const { start } = this.#memory
    let at = start + into.write(before, start, 'latin1')
    if (!isCompressed) at = writePlain(into, at, { head, payload })
    else if (deflated === undefined) at = writeAllStored(into, at, { head, payload })
    else at = writeDeflated(into, at, { head, deflated })
    if (isChunked) at += into.write(lineEnd, at, 'latin1')
    return into.subarray(start, at)
  }
}

/** Adds an event to the checksum of a response. */
export function addEvent(checksum: GzipChecksum, { head, payload }: EventFrame): void {
  checksum.add(head)
  checksum.add(payload.bytes)
  checksum.add(eventEnd)
}

function chunkHead(bytes: number): string {
  return bytes.toString(16) + lineEnd
}

function compressedSize(head: string, plainBytes: number, deflated: Payload | undefined): number {
  if (deflated === undefined) return storedSize(plainBytes)
  return storedHeadBytes + head.length + deflated.length + eventEnd.length
}

interface EventText {
  readonly head: string
  readonly payload: Payload
}

function writePlain(into: Buffer, start: number, { head, payload }: EventText): number {
  const at = start + into.write(head, start, 'latin1')
  const end = at + payload.buffer.copy(into, at, payload.start, payload.end)
  return end + into.write(eventEnd, end, 'latin1')
}

function writeAllStored(into: Buffer, start: number, text: EventText): number {
  const plain = Buffer.allocUnsafe(text.head.length + text.payload.length + eventEnd.length)
  writePlain(plain, 0, text)
  return writeStored(into, start, plain)
}

/**
 * Writes the head stored, then the payload's blocks, which all receivers share. The empty block at their end
 * becomes the stored block of the event's end: its three bits are there already.
 */
function writeDeflated(
  into: Buffer,
  start: number,
  { head, deflated }: { readonly head: string; readonly deflated: Payload },
): number {
  let at = writeStoredHead(into, start, head.length)
  at += into.write(head, at, 'latin1')
  at += deflated.buffer.copy(into, at, deflated.start, deflated.end - storedLengthBytes)
  at = writeStoredLength(into, at, eventEnd.length)
  return at + into.write(eventEnd, at, 'latin1')
}
