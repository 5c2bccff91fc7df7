import { readDevelopmentKey, signDevelopmentToken } from '../auth/development-token.ts'
import { readConfig, readMode } from '../config/config-reader.ts'
import { TickerError } from '../diagnostics/ticker-error.ts'
import { runCommand } from './command-line.ts'
import { parseTokenArguments, tokenUsage } from './token-arguments.ts'

/** A gateway with these settings would not accept a development token. */
class NoDevelopmentTokenError extends TickerError {
  readonly code = 'TICKER_NO_DEVELOPMENT_TOKEN'
}

/** Returns the token that the command line asks for, or the usage. */
async function tokenOrUsage(args: readonly string[]): Promise<string> {
  const request = parseTokenArguments(args)
  if (request === 'help') return tokenUsage
  // Before the configuration, so that production gets this error and not a list of missing variables.
  const key = await readDevelopmentKey(readMode(process.env))
  if (readConfig(process.env).auth.keys.kind !== 'development') {
    throw new NoDevelopmentTokenError(
      'a key of your own is set, so a gateway accepts tokens from your issuer only; ask it for one, or ' +
        'unset TICKER_JWT_JWKS_URL and TICKER_JWT_PUBLIC_KEY',
    )
  }
  const token = await signDevelopmentToken({ ...request, key })
  if (process.stdout.isTTY) {
    process.stderr.write(`for ${request.subject}, in an auth message: {"action":"auth","token":"…"}\n`)
  }
  return `${token}\n`
}

await runCommand('token', async args => {
  process.stdout.write(await tokenOrUsage(args))
  return 0
})
