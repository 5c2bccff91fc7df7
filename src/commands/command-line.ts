import { type ParseArgsConfig, parseArgs } from 'node:util'
import { TickerError, messageOf } from '../diagnostics/ticker-error.ts'

/** A command was called with unknown or invalid options; it exits with 2. */
export class UsageError extends TickerError {
  readonly code = 'TICKER_USAGE'
}

/** Parses options like `parseArgs`; throws a `UsageError` that says where the options are listed. */
export function readOptions<const Config extends ParseArgsConfig>(
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config)
  } catch (error) {
    throw new UsageError(`${messageOf(error)}; --help shows the options`, { cause: error })
  }
}
