import type { IncomingMessage } from 'node:http'
import { createServer } from 'node:https'
import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { readDevelopmentCertificate } from '../auth/development-certificate.ts'
import type { Config } from '../config/config.ts'
import { divideFileDescriptors } from '../limits/file-descriptors.ts'
import { SlicedQueue } from '../limits/sliced-queue.ts'
import { isLoopback } from '../system/ip-address.ts'
import { ConnectionGate } from '../transport/connection-gate.ts'
import { refuseFaults, serverOptions } from '../transport/http-refusals.ts'
import { commonOptions } from './operator-servers.ts'
import { ServerCertificate } from './server-certificate.ts'
import { TrustedProxies } from './trusted-proxies.ts'

/**
 * Connections, requests or upgrades started in one turn of the event loop: each costs 0.5 ms, with TLS 2 ms.
 */
const startedPerTurn = 4

/** The server of the stream and `/v1`. */
export interface StreamServer {
  readonly app: FastifyInstance
  /** Set with TLS. */
  readonly certificate: ServerCertificate | undefined
  /** The proxies whose headers are believed. */
  readonly proxies: TrustedProxies
  /** Puts a gate before the server; to be called once, after its routes are added and before it listens. */
  readonly guard: () => Promise<ConnectionGate>
}

/** Creates the server, with TLS if it is configured. Rejects if the certificate cannot be read. */
export async function createStreamServer(config: Config, logger: FastifyBaseLogger): Promise<StreamServer> {
  const certificate = await readCertificate(config)
  const app = createApp(certificate, logger)
  const proxies = new TrustedProxies(config.stream.trustedProxies)
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send({ error: `${request.method} ${request.url.split('?', 1)[0]}: there is nothing here` }),
  )
  const { authTimeoutMs: handshakeTimeoutMs, maxHandshakes, maxConnectionsPerAddress } = config.limits
  const guard = async (): Promise<ConnectionGate> => {
    // After the hook of the WebSocket plugin, which closes the sockets of refused handshakes.
    refusePlaintext(app, proxies)
    refuseFaults(app)
    await app.ready()
    const work = new SlicedQueue(startedPerTurn)
    return new ConnectionGate(app.server, {
      work,
      handshakeTimeoutMs,
      maxHandshakes,
      maxHandshakesPerAddress: maxConnectionsPerAddress,
      maxConnections: divideFileDescriptors().room,
      isProxy: address => proxies.has(address),
    })
  }
  return { app, certificate, proxies, guard }
}

async function readCertificate({ mode, stream }: Config): Promise<ServerCertificate | undefined> {
  const { protection } = stream
  if (protection.kind === 'plain') return undefined
  if (protection.kind === 'tls') return await ServerCertificate.read(protection)
  const { pairFile } = await readDevelopmentCertificate(mode)
  return await ServerCertificate.read({ certificateFile: pairFile, keyFile: pairFile })
}

function createApp(certificate: ServerCertificate | undefined, logger: FastifyBaseLogger): FastifyInstance {
  const options = { ...commonOptions, loggerInstance: logger }
  const http = { ...serverOptions, shouldUpgradeCallback: isWebSocketHandshake }
  if (certificate === undefined) return Fastify({ ...options, http })
  const app = Fastify({
    ...options,
    serverFactory(handler) {
      const server = createServer({ ...certificate.pair, ...http }, handler)
      certificate.watch(server, logger)
      return server
    },
  })
  app.addHook('onClose', () => certificate.stop())
  return app
}

/**
 * Other upgrades are ignored (RFC 9110 §7.8): Java's client offers HTTP/2 with every POST, whose body would
 * be lost.
 */
function isWebSocketHandshake({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket'
}

/**
 * Refuses requests that were not encrypted on their way, with 403: from another machine without TLS, or from
 * a trusted proxy that does not report its client's TLS. A token in such a request could be read.
 */
export function refusePlaintext(app: FastifyInstance, proxies: TrustedProxies): void {
  app.addHook('onRequest', async ({ raw }, reply) => {
    const error = plaintextRefusalOf(raw, proxies)
    if (error !== undefined) await reply.code(403).send({ error })
  })
}

const cure = 'its contents can be read on the way: connect with TLS'

function plaintextRefusalOf(request: IncomingMessage, proxies: TrustedProxies): string | undefined {
  const { isProxied, address, scheme } = proxies.clientOf(request)
  const isEncrypted = 'encrypted' in request.socket
  if (scheme === 'https' || scheme === 'wss') return undefined
  if (scheme !== undefined) {
    return `the proxy reports that this connection is not encrypted; ${cure}`
  }
  if (isEncrypted || (!isProxied && isLoopback(address))) return undefined
  return isProxied
    ? 'the proxy (TICKER_TRUSTED_PROXIES) does not report whether its client used TLS: ' +
        'it has to send X-Forwarded-Proto or Forwarded'
    : `this connection is not encrypted; ${cure}`
}
