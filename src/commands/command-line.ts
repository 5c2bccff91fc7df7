import { type ParseArgsConfig, parseArgs } from 'node:util'
import { messageOf, TickerError } from '../diagnostics/ticker-error.ts'
import { ignoreOutputErrors } from '../system/process-output.ts'

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

type ErrorClass = abstract new (...args: never[]) => Error

/**
 * Runs the command of this process and sets the exit code: that of `run`, 2 for an error of `usageErrors`, or
 * 1 for another fault, whose message it prints.
 */
export async function runCommand(
  name: string,
  run: (args: string[]) => number | Promise<number>,
  usageErrors: readonly ErrorClass[] = [UsageError],
): Promise<void> {
  ignoreOutputErrors()
  try {
    process.exitCode = await run(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof TickerError)) throw error
    process.stderr.write(`${name}: ${error.message}\n`)
    process.exitCode = usageErrors.some(usageError => error instanceof usageError) ? 2 : 1
  }
}

const numbers = new Intl.NumberFormat('en-US')

/** `1234567` as `1,234,567`. */
export function describeNumber(value: number): string {
  return numbers.format(value)
}

/** `1 line`, `1,234 lines`. */
export function describeCount(count: number, one: string): string {
  return `${describeNumber(count)} ${one}${count === 1 ? '' : 's'}`
}

/** Describes a duration in at most two units: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function describeDuration(durationMs: number): string {
  const seconds = durationMs / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${describeNumber(Math.floor(whole / 3600))} h ${Math.floor((whole % 3600) / 60)} min`
}
