import { styleText } from 'node:util'
import { ConfigError } from '../config/variable-reader.ts'
import { systemClock } from '../system/clock.ts'
import { EventPrinter } from './tail/event-printer.ts'
import { followStream } from './tail/follow-stream.ts'
import { isLocal, readAccess } from './tail/tail-access.ts'
import { parseTailArguments, tailUsage } from './tail/tail-arguments.ts'
import { runCommand, UsageError } from './command-line.ts'

const noteStyles = { info: 'dim', fault: 'red' } as const

/** Runs the command; resolves to the exit code. */
async function run(args: readonly string[]): Promise<number> {
  const request = parseTailArguments(args)
  if (request === 'help') {
    process.stdout.write(tailUsage)
    return 0
  }
  const access = readAccess(process.env, request.url, request.feed)
  if (access.url.protocol === 'ws:' && !isLocal(access.url)) {
    note('fault', `${access.url.host}: ws:// sends the token unencrypted; use wss://`)
  }
  for (const symbol of request.symbols) {
    const upperCase = symbol.toUpperCase()
    if (upperCase !== symbol)
      note('info', `${symbol}: symbols are case-sensitive; did you mean ${upperCase}?`)
  }
  const printer = new EventPrinter({
    ...request,
    output: process.stdout,
    paint: (style, text) => styleText(style, text, { stream: process.stdout }),
    clock: systemClock,
  })
  const stopping = abortOnEnd()
  const endedAsRequested = await followStream({
    request,
    access,
    printer,
    output: process.stdout,
    note,
    stopping,
  })
  return endedAsRequested ? 0 : 1
}

/** Returns a signal that aborts on Ctrl-C, and when standard output is closed. */
function abortOnEnd(): AbortSignal {
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopping.abort())
  process.stdout.on('error', () => stopping.abort())
  return stopping.signal
}

function note(kind: keyof typeof noteStyles, text: string): void {
  const line = `tail: ${text.replaceAll(/\p{Cc}/gu, '�')}`
  process.stderr.write(`${styleText(noteStyles[kind], line, { stream: process.stderr })}\n`)
}

await runCommand('tail', run, [UsageError, ConfigError])
