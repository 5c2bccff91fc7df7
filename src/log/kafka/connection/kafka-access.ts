import type { Secret } from '../../../diagnostics/secret.ts'

/** TLS to the brokers. The files (PEM) are read again for every connection, so that they may be renewed. */
export interface KafkaTls {
  /** The authorities that brokers' certificates are checked against; `undefined`: those that Node knows. */
  readonly authorityFile: string | undefined
  /** What brokers that want one are shown. */
  readonly client: { readonly certificateFile: string; readonly keyFile: string } | undefined
  /** The name that brokers' certificates have; `undefined`: the one that each is connected to by. */
  readonly serverName: string | undefined
}

export const passwordMechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

/** How brokers are told who is there. */
export type KafkaSasl =
  | {
      readonly mechanism: (typeof passwordMechanisms)[number]
      readonly username: string
      readonly password: Secret
    }
  | { readonly mechanism: 'OAUTHBEARER'; readonly tokens: TokenSource }

/** Where access tokens come from. */
export type TokenSource = TokenFile | TokenEndpoint

/** A file that something else renews; read for every authentication. */
export interface TokenFile {
  readonly kind: 'file'
  readonly path: string
}

/** A token endpoint that grants by client credentials (RFC 6749 §4.4). */
export interface TokenEndpoint {
  readonly kind: 'endpoint'
  readonly url: string
  readonly clientId: string
  readonly clientSecret: Secret
  readonly scope: string | undefined
}
