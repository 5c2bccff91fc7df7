import cluster from 'node:cluster'
import { fileURLToPath } from 'node:url'
import { checkStart } from './app/gateway-parts.ts'
import { type Gateway, startGateway } from './app/gateway.ts'
import { describeFeeds, describeSource } from './app/open-log.ts'
import { stopInTime } from './app/stop-in-time.ts'
import { version } from './app/version.ts'
import { developmentCertificatePath } from './auth/development-certificate.ts'
import { readOptions } from './commands/command-line.ts'
import { readConfig } from './config/config-reader.ts'
import type { Config } from './config/config.ts'
import { configHelp } from './config/variables/all-variables.ts'
import { TickerError, messageOf } from './diagnostics/ticker-error.ts'
import { InterruptSignal } from './system/interrupt-signal.ts'
import { flushOutput, ignoreOutputErrors } from './system/process-output.ts'
import { startPrimary } from './workers/primary.ts'
import { runWorker } from './workers/worker.ts'

const usage = `ticker-gateway ${version}: market data from Kafka to authenticated subscribers

  npm start                           development: embedded log, demo feed, a page with live prices
  npm run gateway                     as configured; production unless TICKER_MODE=development
  npm run gateway -- --check-config   checks the configuration and ends

  One process delivers on one core. TICKER_WORKERS=n serves the stream with n processes; choose as many as
  the cores that Kafka and the rest of the machine leave. Each process reads the log itself and keeps its own
  recent events (TICKER_TAPE_BYTES).

  --help, --version, --check-config

`

/** How long the rest of the output may take to be written. */
const flushMs = 500

ignoreOutputErrors()
const code = await main(process.argv.slice(2))
await flushOutput(flushMs)
// Nothing may keep the process alive: a timer of a failed start, a silent broker, the channel to the primary.
process.exit(code)

async function main(args: string[]): Promise<number> {
  try {
    const values = parseArguments(args)
    if (values.help) return print(usage + configHelp())
    if (values.version) return print(`${version}\n`)
    const config = readConfig(process.env)
    if (values['check-config']) {
      await checkStart(config)
      return print(
        `The configuration is valid (${config.mode}, ${describeSource(config)}, ${describeFeeds(config)}).\n`,
      )
    }
    if (config.mode === 'production') refuseDebugger()
    return cluster.isWorker ? await runWorker(config) : await serve(config)
  } catch (error) {
    process.stderr.write(`ticker-gateway: ${messageOf(error)}\n`)
    if (!(error instanceof TickerError) && error instanceof Error) process.stderr.write(`${error.stack}\n`)
    return error instanceof TickerError ? 2 : 1
  }
}

/** On SIGUSR1 Node would open its inspector, which gives every local process all the rights of this one. */
function refuseDebugger(): void {
  process.on('SIGUSR1', () => process.stderr.write('SIGUSR1: no debugger is opened in production\n'))
}

function parseArguments(args: string[]) {
  return readOptions({
    args,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      version: { type: 'boolean', default: false },
      'check-config': { type: 'boolean', default: false },
    },
  }).values
}

function print(text: string): number {
  process.stdout.write(text)
  return 0
}

/** Runs until a signal or a fault of the gateway. A second signal ends the process at once. */
async function serve(config: Config): Promise<number> {
  const interrupt = InterruptSignal.ofProcess()
  interrupt.abandoning.addEventListener('abort', () => process.exit(130))
  const stopped = new Promise<void>(resolve => {
    interrupt.stopping.addEventListener('abort', () => {
      process.stderr.write(
        `stopping: clients have ${config.limits.drainMs} ms to leave; a second signal ends it at once\n`,
      )
      resolve()
    })
  })
  const program = fileURLToPath(import.meta.url)
  const starting = config.workers > 1 ? startPrimary(config, { program }) : startGateway(config)
  const gateway = await Promise.race([starting, stopped])
  // Stopped before it served anyone.
  if (gateway === undefined) return 0
  announce(config, gateway)
  let isReleased = false
  try {
    await Promise.race([stopped, gateway.ended])
  } finally {
    isReleased = await stopInTime(gateway, config.limits.drainMs)
  }
  if (!isReleased) process.stderr.write('stopped, but not everything was released in time\n')
  return isReleased ? 0 : 1
}

function announce(config: Config, gateway: Omit<Gateway, 'controls'>): void {
  const stream = `${gateway.url.replace('http', 'ws')}/v1/stream`
  const lines = [
    `ticker-gateway ${version}, ${config.mode} mode, ${describeSource(config)}, ${describeFeeds(config)}`,
    '',
    `  stream    ${stream}`,
    ...config.feeds.slice(1).map(feed => `            ${stream}/${feed.name}`),
    `  events    ${gateway.url}/v1/events   (server-sent events)`,
    `  metrics   ${gateway.operationsUrl}/metrics`,
    `  health    ${gateway.operationsUrl}/readyz`,
  ]
  if (gateway.administrationUrl !== undefined)
    lines.push(`  admin     ${gateway.administrationUrl}/v1/sessions`)
  const isSelfSigned = config.stream.protection.kind === 'self-signed'
  if (config.mode === 'development' && config.auth.keys.kind === 'development') {
    const url = isSelfSigned ? ` --url ${gateway.url.replace('http', 'ws')}` : ''
    lines.splice(2, 0, `  page      ${gateway.url}/   ← open this in a browser`)
    lines.push(
      '',
      'In another terminal:',
      `  npm run tail -- AAPL MSFT${url.padEnd(27)} events as they come`,
      '  npm run token -- --sub ann --symbols AAPL,MSFT       a token for a client of your own',
      '  npm run publish -- FILE.jsonl --rate 100             your own events into the log',
      '',
      'Ctrl-C stops it.',
    )
  }
  if (isSelfSigned) lines.push('', ...trustAdvice(gateway.url))
  process.stdout.write(`${lines.join('\n')}\n\n`)
}

/** The development certificate is self-signed, so every client has to be told to trust it. */
function trustAdvice(url: string): string[] {
  const path = developmentCertificatePath
  return [
    `The certificate is for this machine alone. To make clients trust ${path}:`,
    `  curl --cacert ${path} ${url}/`,
    `  NODE_EXTRA_CA_CERTS=${path} node client.js`,
    '  a browser: proceed past its warning, once for the page; npm run tail trusts it already',
  ]
}
