import type { FastifyInstance } from 'fastify'
import type { Listener } from '../config/config.ts'
import { messageOf, TickerError } from '../ticker-error.ts'

/** An address cannot be listened on. */
export class ListenError extends TickerError {
  readonly code = 'TICKER_LISTEN'
}

/** Listens, and answers the address as `host:port` with the port that was taken. `names` are the variables that decide it. */
export async function listen(
  app: FastifyInstance,
  { host, port }: Listener,
  names: { readonly host: string; readonly port: string },
): Promise<string> {
  try {
    await app.listen({ host, port })
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
    throw new ListenError(
      isTaken
        ? `${names.port}=${port}: something listens on ${host}:${port} already; end it, or set ${names.port} to a free port`
        : `${names.host}=${host}, ${names.port}=${port}: cannot listen there (${messageOf(error)})`,
      { cause: error },
    )
  }
  const address = app.server.address()
  const taken = typeof address === 'object' && address !== null ? address.port : port
  return `${host.includes(':') ? `[${host}]` : host}:${taken}`
}
