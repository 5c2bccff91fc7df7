import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Gateway, startGateway } from '../../src/app/gateway.ts'
import {
  type DevelopmentTokenRequest,
  readDevelopmentKey,
  signDevelopmentToken,
} from '../../src/auth/development-token.ts'
import { readConfig } from '../../src/config/config-reader.ts'

export interface TestGateway extends Gateway {
  readonly operationsUrl: string
  /** `ws://host:port/v1/stream`. */
  readonly streamUrl: string
  /** What was logged, line by line. */
  readonly logLines: string[]
  readonly env: Readonly<Record<string, string>>
  token(request?: Partial<DevelopmentTokenRequest>): Promise<string>
  /** Stops, and leaves its log to another one. */
  leave(): Promise<void>
  /**
   * The value of a metric, by its name with its labels as Prometheus prints them; `undefined` where it is
   * absent.
   */
  metric(name: string): Promise<number | undefined>
}

/**
 * Starts a gateway in development on free ports, on an empty embedded log unless `env` names brokers, and
 * waits until it is ready.
 */
export async function startTestGateway(env: Readonly<Record<string, string>> = {}): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-'))
  const isEmbedded = env['TICKER_KAFKA_BROKERS'] === undefined
  const whole = {
    TICKER_MODE: 'development',
    TICKER_PORT: '0',
    TICKER_OPS_PORT: '0',
    TICKER_DRAIN_MS: '0',
    ...(isEmbedded ? { TICKER_EMBEDDED_PATH: join(folder, 'log.sqlite'), TICKER_DEMO: 'off' } : {}),
    ...env,
  }
  const logLines: string[] = []
  const gateway = await startGateway(readConfig(whole), { logStream: { write: line => logLines.push(line) } })
  await gateway.ready
  return {
    ...gateway,
    operationsUrl: gateway.operationsUrl ?? '',
    streamUrl: `${gateway.url.replace('http', 'ws')}/v1/stream`,
    logLines,
    env: whole,
    token: mintTestToken,
    metric: name => readMetric(`${gateway.operationsUrl}/metrics`, name),
    leave: () => gateway.stop(),
    stop: async () => {
      await gateway.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** A token that allows everything for an hour, unless the request says otherwise. */
export async function mintTestToken(request: Partial<DevelopmentTokenRequest> = {}): Promise<string> {
  const key = await readDevelopmentKey('development')
  return signDevelopmentToken({
    key,
    subject: 'test',
    scopes: ['stream'],
    feeds: '*',
    channels: '*',
    symbols: '*',
    lifetimeS: 3600,
    ...request,
  })
}

/**
 * The value of a metric at an address, by its name with its labels as Prometheus prints them; `undefined`
 * where it is absent.
 */
export async function readMetric(url: string, name: string): Promise<number | undefined> {
  const text = await (await fetch(url)).text()
  const line = text.split('\n').find(candidate => candidate.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length + 1))
}
