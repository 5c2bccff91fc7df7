import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { isLoopback } from '../auth/loopback.ts'
import type { TrustedProxies } from './trusted-proxies.ts'

/**
 * Refuses, with 403, requests that came in the clear: neither from this machine nor from a trusted proxy, or from one that does not say
 * that its client has used TLS. A token in one of them was readable on its way.
 */
export function refuseExposed(app: FastifyInstance, proxies: TrustedProxies): void {
  app.addHook('onRequest', async ({ raw }, reply) => {
    const error = exposureOf(raw, proxies)
    if (error !== undefined) await reply.code(403).send({ error })
  })
}

function exposureOf(request: IncomingMessage, proxies: TrustedProxies): string | undefined {
  const { isProxied, address, scheme } = proxies.clientOf(request)
  const isEncrypted = 'encrypted' in request.socket
  if (scheme === 'https' || scheme === 'wss') return undefined
  if (scheme !== undefined) {
    return 'the proxy says that this connection is not encrypted, and what it carries readable on the way: connect with TLS'
  }
  if (isEncrypted || (!isProxied && isLoopback(address))) return undefined
  return isProxied
    ? 'the proxy (TICKER_TRUSTED_PROXIES) does not say whether its client used TLS: it has to send X-Forwarded-Proto or Forwarded'
    : 'this connection is not encrypted, and what it carries readable on the way: connect with TLS'
}
