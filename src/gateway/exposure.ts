import { BlockList, isIPv6 } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { isLoopback } from '../auth/loopback.ts'

/**
 * Refuses, with 403, requests that came in the clear: neither from this machine nor from a trusted proxy, or from a proxy that says
 * its client has used no TLS. A token in one of them was readable on its way.
 */
export function refuseExposed(app: FastifyInstance, trustedProxies: readonly string[]): void {
  const trusted = blockListOf(trustedProxies)
  app.addHook('onRequest', async (request, reply) => {
    if (!isExposed(request, trusted)) return
    await reply.code(403).send({
      error: 'this connection is not encrypted, and what it carries readable on the way: connect with TLS',
    })
  })
}

function isExposed({ raw, headers }: FastifyRequest, trusted: BlockList): boolean {
  const peer = raw.socket.remoteAddress ?? ''
  const isProxy = trusted.check(peer, isIPv6(peer) ? 'ipv6' : 'ipv4')
  // Of several proxies the first one, which the client spoke to, is the first in the list.
  const [scheme] = String(headers['x-forwarded-proto'] ?? 'https').split(',', 1)
  if (isProxy) return scheme?.trim() !== 'https' && scheme?.trim() !== 'wss'
  return !isLoopback(peer.replace(/^::ffff:/i, ''))
}

function blockListOf(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/')
    const family = isIPv6(address) ? 'ipv6' : 'ipv4'
    list.addSubnet(address, Number(prefix ?? (family === 'ipv6' ? 128 : 32)), family)
  }
  return list
}
