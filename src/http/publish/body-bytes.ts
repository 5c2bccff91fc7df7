import type { IncomingMessage } from 'node:http'
import { Refusal } from '../answer.ts'

export interface BodyLimits {
  readonly maxBytes: number
  /** From the call to the last byte. */
  readonly timeoutMs: number
}

const firstBytes = 16_384

/** Collects a request's body in one buffer: sending it byte by byte costs no more memory. */
export class BodyBytes {
  #buffer: Buffer
  #length = 0

  /** `announced` is the length that the peer states, or 0. */
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

  /** All bytes so far; a view that `add` invalidates. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }
}

/**
 * Reads a whole body. 413 if it is too long, 408 if it is too slow, `undefined` if the peer leaves before its
 * end. After a refusal the rest has to be drained (`drainRest`).
 */
export function readBody(
  request: IncomingMessage,
  { maxBytes, timeoutMs }: BodyLimits,
): Promise<Buffer | Refusal | undefined> {
  const announced = Number(request.headers['content-length'] ?? 0)
  if (announced > maxBytes) return Promise.resolve(tooLong(maxBytes))
  // Its end was emitted before there was a listener.
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
    .once('end', () => end(bytes.bytes()))
    .once('error', () => end(undefined))
    .once('close', () => end(undefined))
  return promise
}

/**
 * Discards what an answered request still sends, for a limited time, so that its sender can read the
 * response.
 */
export function drainRest(request: IncomingMessage, timeoutMs: number): void {
  if (request.complete || request.destroyed || request.socket.destroyed) return
  const { socket } = request
  const forget = (): void => {
    clearTimeout(timer)
    request.off('close', forget)
    socket.off('close', forget)
  }
  const timer = setTimeout(() => request.destroy(), timeoutMs)
  // An answered request does not emit the end of its connection.
  socket.once('close', forget)
  request.once('close', forget).resume()
}

/** Returns the refusal of a body that is too long, before or after decompression. */
export function tooLong(maxBytes: number): Refusal {
  return new Refusal(413, `the body is too long: expected at most ${maxBytes} bytes, decompressed`)
}

function tooSlow(timeoutMs: number): Refusal {
  return new Refusal(408, `the body was not whole after ${timeoutMs} ms`, {
    headers: { connection: 'close' },
  })
}
