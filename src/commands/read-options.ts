import { parseArgs, type ParseArgsConfig } from 'node:util'
import { messageOf } from '../ticker-error.ts'
import { UsageError } from './usage-error.ts'

/** `parseArgs`, whose complaints become a `UsageError` that says where the options are listed. */
export function readOptions<const Config extends ParseArgsConfig>(
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config)
  } catch (error) {
    throw new UsageError(`${messageOf(error)}; --help shows the options`, { cause: error })
  }
}
