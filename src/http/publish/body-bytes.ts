import type { IncomingMessage } from 'node:http'
import { Refusal } from '../answer.ts'

export interface BodyLimits {
  readonly maxBytes: number
  /** From the call to the last byte, absolute. */
  readonly timeoutMs: number
}

const firstBytes = 16_384

/** The bytes of a request's body as they come, in one buffer: a peer that sends them one by one costs no more. */
export class BodyBytes {
  #buffer: Buffer
  #length = 0

  /** `announced` is the length that the peer states, 0 where it does not. */
  constructor(announced: number) {
    this.#buffer = Buffer.allocUnsafe(announced === 0 ? firstBytes : announced)
  }

  get length(): number {
    return this.#length
  }

  add(chunk: Buffer): void {
    const length = this.#length + chunk.length
    if (length > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.#buffer.length))
      this.#buffer.copy(larger, 0, 0, this.#length)
      this.#buffer = larger
    }
    chunk.copy(this.#buffer, this.#length)
    this.#length = length
  }

  /** All bytes so far; a view of what `add` may move. */
  whole(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }
}

/**
 * Reads a body whole: 413 where it is longer than it may be, 408 where it comes too slowly, `undefined` where the peer leaves
 * before its end. After a refusal the rest is still to be dropped (`dropRest`).
 */
export function readBody(
  request: IncomingMessage,
  { maxBytes, timeoutMs }: BodyLimits,
): Promise<Buffer | Refusal | undefined> {
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > maxBytes) return Promise.resolve(tooLong(maxBytes))
  // Its end was told before anybody listened.
  if (request.destroyed) return Promise.resolve(undefined)
  const { promise, resolve } = Promise.withResolvers<Buffer | Refusal | undefined>()
  const bytes = new BodyBytes(announced)
  const take = (chunk: Buffer): void => {
    if (bytes.length + chunk.length > maxBytes) end(tooLong(maxBytes))
    else bytes.add(chunk)
  }
  const end = (outcome: Buffer | Refusal | undefined): void => {
    clearTimeout(timer)
    request.off('data', take)
    resolve(outcome)
  }
  const timer = setTimeout(() => end(tooSlow(timeoutMs)), timeoutMs)
  request
    .on('data', take)
    .once('end', () => end(bytes.whole()))
    .once('error', () => end(undefined))
    .once('close', () => end(undefined))
  return promise
}

/** Reads on, for so long, what an answered request still sends, so that its sender gets to read the answer. */
export function dropRest(request: IncomingMessage, timeoutMs: number): void {
  if (request.complete || request.destroyed || request.socket.destroyed) return
  const { socket } = request
  const forget = (): void => {
    clearTimeout(timer)
    request.off('close', forget)
    socket.off('close', forget)
  }
  const timer = setTimeout(() => request.destroy(), timeoutMs)
  // Once it is answered, a request does not tell the end of its connection.
  socket.once('close', forget)
  request.once('close', forget).resume()
}

/** The refusal of a body that is too long, before or after it is decompressed. */
export function tooLong(maxBytes: number): Refusal {
  return new Refusal(413, `the body is too long: expected at most ${maxBytes} bytes, decompressed`)
}

function tooSlow(timeoutMs: number): Refusal {
  return new Refusal(408, `the body was not whole after ${timeoutMs} ms`, {
    headers: { connection: 'close' },
  })
}
