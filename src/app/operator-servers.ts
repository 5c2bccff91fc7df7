import Fastify, { type FastifyBaseLogger, type FastifyInstance, LogController } from 'fastify'
import type { AdminCounts } from '../admin/admin-counts.ts'
import { type AdministrationOptions, serveAdministration } from '../admin/administration.ts'
import type { AdministrationConfig } from '../config/config.ts'
import { divideFileDescriptors } from '../limits/file-descriptors.ts'
import { refusalOptions } from '../transport/http-refusals.ts'

/** Fastify's options that every listener of the gateway has. */
export const commonOptions = {
  logController: new LogController({ disableRequestLogging: true }),
  forceCloseConnections: true,
  ...refusalOptions,
} as const

/** The administration listener, and what it has answered. */
export interface AdminServer {
  readonly app: FastifyInstance
  readonly counts: AdminCounts
}

/** Larger bodies are refused: none that is right comes near. */
const bodyLimit = 4096
/** For a whole request. */
const requestTimeoutMs = 10_000

/** Creates the listener where one is configured. */
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
