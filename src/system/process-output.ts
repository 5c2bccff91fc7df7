import type { Writable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'

/** How many bytes may be unwritten; further lines are dropped. */
const mostUnwrittenBytes = 1_048_576

/**
 * Writes log lines. While the output is closed, full or broken, lines are dropped and counted: the process
 * neither ends, waits nor grows for them, and continues to write when the output recovers.
 */
export class LogOutput {
  /** Lines that were dropped since the start. */
  dropped = 0
  readonly #stream: Writable

  /** The stream must have a listener for errors (`ignoreOutputErrors`). */
  constructor(stream: Writable = process.stderr) {
    this.#stream = stream
  }

  write(line: string): void {
    if (this.#stream.writableLength > mostUnwrittenBytes) {
      this.dropped += 1
      return
    }
    this.#stream.write(line, this.#written)
  }

  readonly #written = (error: Error | null | undefined): void => {
    if (error !== null && error !== undefined) this.dropped += 1
  }
}

/** Keeps this process alive when its output is closed; must be called before anything is written. */
export function ignoreOutputErrors(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
}

/** Resolves when the output has been written, or after a time. */
export async function flushOutput(withinMs: number): Promise<void> {
  const timeout = new AbortController()
  const { signal } = timeout
  const written = [process.stdout, process.stderr].map(
    stream => new Promise<void>(resolve => void stream.write('', () => resolve())),
  )
  await Promise.race([Promise.all(written), pause(withinMs, undefined, { signal }).catch(() => undefined)])
  timeout.abort()
}
