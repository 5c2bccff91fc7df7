/**
 * A fault of ours or of the world, with a stable `code` and the original error as `cause`. Messages name the
 * value, the rule and the cure; they are for operators and never reach a peer.
 */
export abstract class TickerError extends Error {
  abstract readonly code: `TICKER_${string}`

  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** Returns the message of anything that was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
