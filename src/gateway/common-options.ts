import { LogController } from 'fastify'
import { refusalOptions } from '../transport/http-refusals.ts'

/** Fastify's options that every listener of the gateway has. */
export const commonOptions = {
  logController: new LogController({ disableRequestLogging: true }),
  forceCloseConnections: true,
  ...refusalOptions,
} as const
