import { readFileSync } from 'node:fs'
import { connect as connectPlain, isIP } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import type { ISocketFactory } from 'kafkajs'
import type { KafkaTls } from './kafka-security.ts'

const keepAliveMs = 60_000

/** Makes sockets to brokers. kafkajs would leave Nagle's algorithm on, and would read certificates once. */
export function socketFactory(tls: KafkaTls | undefined): ISocketFactory {
  return ({ host, port, onConnect }) => {
    const socket =
      tls === undefined
        ? connectPlain({ host, port }, onConnect)
        : connectTls({ host, port, ...tlsOptions(tls, host) }, onConnect)
    return socket.setNoDelay(true).setKeepAlive(true, keepAliveMs)
  }
}

/** An address is no server name (RFC 6066 §3); Node checks the certificate for it all the same. */
function tlsOptions({ authorityFile, client, serverName }: KafkaTls, host: string): ConnectionOptions {
  const name = serverName ?? (isIP(host) === 0 ? host : undefined)
  return {
    ...(name !== undefined && { servername: name }),
    ...(authorityFile !== undefined && { ca: readFileSync(authorityFile) }),
    ...(client && { cert: readFileSync(client.certificateFile), key: readFileSync(client.keyFile) }),
  }
}
