/** One line that says what is being done: rewritten in place on a terminal, a line each otherwise. */
export class Progress {
  readonly #output: NodeJS.WriteStream
  readonly #begunMs = performance.now()

  constructor(output: NodeJS.WriteStream) {
    this.#output = output
  }

  say(what: string): void {
    const seconds = Math.round((performance.now() - this.#begunMs) / 1000)
    const line = `${String(seconds).padStart(4)} s  ${what}`
    this.#output.write(this.#output.isTTY ? `\r\x1b[K${line}` : `${line}\n`)
  }

  /** Takes the line away, so that something else can be printed. */
  end(): void {
    if (this.#output.isTTY) this.#output.write('\r\x1b[K')
  }
}
