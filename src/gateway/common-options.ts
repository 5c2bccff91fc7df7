import { LogController } from 'fastify'

/** Fastify's options that every listener of the gateway has. */
export const commonOptions = {
  logController: new LogController({ disableRequestLogging: true }),
  forceCloseConnections: true,
} as const
