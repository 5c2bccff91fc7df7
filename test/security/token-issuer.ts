import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { sign } from '../auth/test-tokens.ts'
import { KeyServer } from '../auth/key-server.ts'

/** What is wrong with a token, or other than usual. */
export interface TokenChanges {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: { readonly alg: string; readonly kid?: string }
  readonly key?: KeyObject | Uint8Array
}

/** An issuer of tokens, with a key set of one key whose `kid` is good. */
export class TokenIssuer {
  readonly server: KeyServer
  readonly keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })

  private constructor(server: KeyServer) {
    this.server = server
    const jwk = this.keys.publicKey.export({ format: 'jwk' })
    server.serve({ ...jwk, kid: 'good', alg: 'ES256', use: 'sig' })
  }

  static async start(): Promise<TokenIssuer> {
    return new TokenIssuer(await KeyServer.start())
  }

  /** What makes a gateway take its tokens. */
  get env(): Readonly<Record<string, string>> {
    return {
      TICKER_JWT_JWKS_URL: this.server.url,
      TICKER_JWT_ISSUER: 'https://issuer.example',
      TICKER_JWT_AUDIENCE: 'ticker',
    }
  }

  /** A token that allows everything for an hour, but for the changes. */
  token({ claims = {}, header = { alg: 'ES256', kid: 'good' }, key }: TokenChanges = {}): Promise<string> {
    const whole = {
      iss: 'https://issuer.example',
      aud: 'ticker',
      sub: 'mallory',
      exp: Math.floor(Date.now() / 1000) + 3600,
      scope: 'stream publish',
      ticker: { feeds: '*', channels: '*', symbols: '*' },
      ...claims,
    }
    return sign(whole, key ?? this.keys.privateKey, header)
  }

  stop(): Promise<void> {
    return this.server.stop()
  }
}
