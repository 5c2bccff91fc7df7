/** What a scenario works with while it measures. */
export interface Bench {
  /** What was started is stopped with it, last first. */
  readonly stack: AsyncDisposableStack
  /** Aborts when the run is to end early. */
  readonly signal: AbortSignal
  /** Tells what is being done. */
  readonly say: (what: string) => void
}

/** What was measured: tables for people, and every figure for programs. */
export interface Outcome {
  readonly text: string
  readonly figures: object
  /** The same for people as an HTML page with plots. */
  readonly page?: string
}

/** A scenario with its command line read. */
export interface Measurement {
  /** The file that the figures go to as JSON. */
  readonly json: string | undefined
  /** The file that the page goes to. */
  readonly html?: string
  measure(bench: Bench): Promise<Outcome>
  /** What can only be told when everything has stopped. */
  afterwards?(): Promise<string>
}

/** A benchmark of its own, `npm run load -- NAME`. It ends by itself. */
export interface Scenario {
  readonly name: string
  /** What it measures, in one line. */
  readonly summary: string
  /** What `npm run load -- NAME --help` prints. */
  readonly usage: string
  /** Reads the command line that follows the name. Throws an error that says what is wrong. */
  prepare(args: readonly string[]): Measurement
}
