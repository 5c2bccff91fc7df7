import { Server as TlsServer } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import type { Config, Listener } from '../config/config.ts'
import { messageOf, TickerError } from '../diagnostics/ticker-error.ts'

/** The purpose of a listener, and the variables of its address. */
interface ListenerNames {
  readonly purpose: string
  readonly host: string
  readonly port: string
}

const purposes = { '': 'the stream', OPS_: 'metrics and health', ADMIN_: 'administration' } as const

/** The gateway cannot listen on an address. */
export class ListenError extends TickerError {
  readonly code = 'TICKER_LISTEN'
}

/** Listens. Returns the address as `host:port`, with the actual port. */
export async function listen(
  app: FastifyInstance,
  { host, port }: Listener,
  names: ListenerNames,
): Promise<string> {
  try {
    await app.listen({
      host,
      port,
      listenTextResolver: address => listeningText(app, names.purpose, address),
    })
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
    throw new ListenError(
      isTaken
        ? `${names.port}=${port}: something listens on ${host}:${port} already; ` +
            `end it, or set ${names.port} to a free port`
        : `${names.host}=${host}, ${names.port}=${port}: cannot listen there (${messageOf(error)})`,
      { cause: error },
    )
  }
  const address = app.server.address()
  const taken = typeof address === 'object' && address !== null ? address.port : port
  return `${host.includes(':') ? `[${host}]` : host}:${taken}`
}

/** Fastify calls every server http that it did not create itself. */
function listeningText({ server }: FastifyInstance, purpose: string, address: string): string {
  const isSecure = server instanceof TlsServer
  return `listening for ${purpose}: ${address.replace(/^https?/, isSecure ? 'https' : 'http')}`
}

/** The servers that are to listen. */
export interface Listeners {
  readonly config: Config
  readonly operations: FastifyInstance
  readonly administration: { readonly app: FastifyInstance } | undefined
  readonly stream: FastifyInstance
}

/** `host:port` of each. */
export interface Addresses {
  readonly operations: string | undefined
  readonly administration: string | undefined
  readonly stream: string
}

/**
 * Listens everywhere; on the stream last, so that its clients can be observed and ended from the first on.
 */
export async function listenAll(listeners: Listeners): Promise<Addresses> {
  const { operations, administration } = await listenToOperators(listeners)
  return { ...(await listenToStream(listeners)), operations, administration }
}

/** Listens for clients only. */
export async function listenToStream({
  config,
  stream,
}: Pick<Listeners, 'config' | 'stream'>): Promise<Addresses> {
  return {
    operations: undefined,
    administration: undefined,
    stream: await listen(stream, config.stream, namesOf('')),
  }
}

/** Listens for operators: metrics, health and administration. */
export async function listenToOperators({
  config,
  operations,
  administration,
}: Omit<Listeners, 'stream'>): Promise<Pick<Addresses, 'administration'> & { readonly operations: string }> {
  return {
    operations: await listen(operations, config.operations, namesOf('OPS_')),
    administration:
      administration &&
      config.administration &&
      (await listen(administration.app, config.administration, namesOf('ADMIN_'))),
  }
}

function namesOf(part: keyof typeof purposes): ListenerNames {
  return { purpose: purposes[part], host: `TICKER_${part}HOST`, port: `TICKER_${part}PORT` }
}
