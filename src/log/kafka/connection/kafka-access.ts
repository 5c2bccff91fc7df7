import type { Secret } from '../../../diagnostics/secret.ts'

/** How to reach the cluster. */
export interface KafkaAccess {
  /** `host:port` of at least one broker. The others are learnt from it. */
  readonly brokers: readonly string[]
  readonly clientId: string
  /** No TLS if left out. */
  readonly tls?: KafkaTls | undefined
  readonly sasl?: KafkaSasl | undefined
}

/** TLS to the brokers. The files (PEM) are read for every connection, so they may be renewed at any time. */
export interface KafkaTls {
  /** The authorities that may have signed brokers' certificates; `undefined`: those that Node trusts. */
  readonly authorityFile: string | undefined
  /** The client's certificate, for brokers that demand one. */
  readonly client: { readonly certificateFile: string; readonly keyFile: string } | undefined
  /** The name in brokers' certificates; `undefined`: the host that each is connected to by. */
  readonly serverName: string | undefined
}

export const passwordMechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

/** How the client authenticates to brokers. */
export type KafkaSasl =
  | {
      readonly mechanism: (typeof passwordMechanisms)[number]
      readonly username: string
      readonly password: Secret
    }
  | { readonly mechanism: 'OAUTHBEARER'; readonly tokens: TokenSource }

/** Where access tokens come from. */
export type TokenSource = TokenFile | TokenEndpoint

/** A file that another program renews. It is read for every authentication. */
export interface TokenFile {
  readonly kind: 'file'
  readonly path: string
}

/** A token endpoint that grants tokens for client credentials (RFC 6749 §4.4). */
export interface TokenEndpoint {
  readonly kind: 'endpoint'
  readonly url: string
  readonly clientId: string
  readonly clientSecret: Secret
  readonly scope: string | undefined
}
