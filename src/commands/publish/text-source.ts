import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { Readable, pipeline } from 'node:stream'
import { isatty } from 'node:tty'
import { createGunzip } from 'node:zlib'
import { TickerError, messageOf } from '../../diagnostics/ticker-error.ts'
import { type FileLine, LineSplitter, maxLineBytes } from './event-lines.ts'

/** A file cannot be read, or its compression is damaged. */
class TextSourceError extends TickerError {
  readonly code = 'TICKER_TEXT_SOURCE'
}

interface TextSourceOptions {
  /** The file's name in messages; `-` is standard input. */
  readonly file: string
  /** Its path. */
  readonly path: string
  /** Ends reading, without an error. */
  readonly signal: AbortSignal
}

/** A file of lines, perhaps gzipped, that is read only as fast as its lines are consumed. */
export class TextSource {
  /** Its name in messages. */
  readonly name: string
  /** The file's size in bytes; `undefined` where it can be read only once: a pipe, standard input. */
  readonly size: number | undefined
  readonly #options: TextSourceOptions
  #readBytes = 0

  private constructor(options: TextSourceOptions, size: number | undefined) {
    this.name = options.file === '-' ? 'standard input' : options.file
    this.size = size
    this.#options = options
  }

  /** Opens a file, which must exist. Rejects with a `TextSourceError`. */
  static async open(options: TextSourceOptions): Promise<TextSource> {
    const { file, path } = options
    if (file === '-') return new TextSource(options, undefined)
    try {
      const stats = await stat(path)
      if (stats.isDirectory()) throw new TypeError('it is a folder')
      return new TextSource(options, stats.isFile() ? stats.size : undefined)
    } catch (error) {
      throw unreadable(file, error)
    }
  }

  /** Bytes that the last `lines` has read from the file, before decompression. */
  get readBytes(): number {
    return this.#readBytes
  }

  /** Whether events are typed at a terminal. */
  get isTyped(): boolean {
    return this.#options.file === '-' && isatty(0)
  }

  /** Yields the lines in arrays as they arrive. Rejects with a `TextSourceError`. */
  async *lines(): AsyncGenerator<readonly FileLine[], void, undefined> {
    const { signal } = this.#options
    const splitter = new LineSplitter(maxLineBytes)
    try {
      for await (const chunk of this.#text()) yield splitter.split(chunk)
    } catch (error) {
      if (!signal.aborted) throw unreadable(this.name, error)
    }
    if (!signal.aborted) yield splitter.rest()
  }

  async *#text(): AsyncGenerator<Buffer, void, undefined> {
    const input = this.#openStream()
    const chunks = this.#chunks(input)
    try {
      const head = await readHead(chunks)
      const whole = join(head, chunks)
      yield* isGzip(head) ? gunzip(whole) : whole
    } finally {
      input.destroy()
    }
  }

  #openStream(): Readable {
    const { file, path, signal } = this.#options
    this.#readBytes = 0
    // A file that grows meanwhile is read up to its size at the start.
    const end = this.size === undefined ? {} : { end: Math.max(0, this.size - 1) }
    const input = file === '-' ? process.stdin : createReadStream(path, end)
    signal.addEventListener('abort', () => input.destroy(), { once: true })
    return input
  }

  async *#chunks(input: Readable): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of input) {
      if (!Buffer.isBuffer(chunk)) continue
      this.#readBytes += chunk.length
      yield chunk
    }
  }
}

function unreadable(name: string, error: unknown): TextSourceError {
  return new TextSourceError(`${name}: cannot be read (${messageOf(error)})`, { cause: error })
}

/** Reads the first chunks, until there are enough bytes to recognise the format. */
async function readHead(chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  let head: Buffer = Buffer.alloc(0)
  while (head.length < 2) {
    const next = await chunks.next()
    if (next.done === true) break
    head = Buffer.concat([head, next.value])
  }
  return head
}

async function* join(head: Buffer, rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  if (head.length > 0) yield head
  yield* rest
}

/** RFC 1952 §2.3.1. */
function isGzip(head: Buffer): boolean {
  return head[0] === 0x1f && head[1] === 0x8b
}

async function* gunzip(compressed: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  // An error of either end destroys the other, and so ends the iteration.
  const text = pipeline(Readable.from(compressed), createGunzip({ chunkSize: 65_536 }), () => undefined)
  for await (const chunk of text) if (Buffer.isBuffer(chunk)) yield chunk
}
