import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { AdminCounts } from '../admin/admin-counts.ts'
import { type AdministrationOptions, serveAdministration } from '../admin/administration.ts'
import type { AdministrationConfig, Config } from '../config/config.ts'
import type { WarnLog } from '../diagnostics/rate-limited-log.ts'
import { fileDescriptorShortage, divideFileDescriptors } from '../limits/file-descriptors.ts'
import { refusalOptions } from '../transport/http-refusals.ts'

/** Takes log lines, and may have to drop some. */
export interface LogStream {
  write(line: string): void
  /** Lines dropped since start. */
  readonly dropped?: number
}

/** Fastify's options that every listener of the gateway has. */
export const commonOptions = {
  logController: new LogController({ disableRequestLogging: true }),
  forceCloseConnections: true,
  ...refusalOptions,
} as const

/** Creates the server of metrics and health. Its logger is that of the process. */
export function createOperationsApp(config: Config, stream: LogStream): FastifyInstance {
  const app = Fastify({ ...commonOptions, logger: { level: config.logLevel, stream } })
  app.server.maxConnections = divideFileDescriptors().operatorRoom
  return app
}

/** Warns if there are fewer file descriptors than the limits allow connections. */
export function warnOfDescriptors({ limits, workers }: Config, logger: WarnLog): void {
  const shortage = fileDescriptorShortage(divideFileDescriptors(), { ...limits, workers })
  if (shortage !== undefined) logger.warn({}, shortage)
}

/** The administration listener, with the counts of its answers. */
export interface AdminServer {
  readonly app: FastifyInstance
  readonly counts: AdminCounts
}

/** Well above any valid body. */
const bodyLimit = 4096
/** For a whole request. */
const requestTimeoutMs = 10_000

/** Creates the administration listener, where one is configured. */
export function createAdminServer(
  config: AdministrationConfig | undefined,
  parts: Omit<AdministrationOptions, 'token'> & { readonly log: FastifyBaseLogger },
): AdminServer | undefined {
  if (config === undefined) return undefined
  const app = Fastify({
    ...commonOptions,
    loggerInstance: parts.log,
    bodyLimit,
    requestTimeout: requestTimeoutMs,
  })
  app.server.maxConnections = divideFileDescriptors().operatorRoom
  return { app, counts: serveAdministration(app, { ...parts, token: config.token }) }
}
