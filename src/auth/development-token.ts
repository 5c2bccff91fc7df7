import { randomUUID } from 'node:crypto'
import { SignJWT } from 'jose'
import type { DevelopmentKey } from './development-key.ts'
import type { Scope } from './grant.ts'

/** What development tokens say of themselves, and what a gateway in development asks for. */
export const developmentIdentity = {
  issuer: 'ticker-development',
  audience: 'ticker-gateway',
  algorithms: ['ES256'],
} as const

/** What a development token is to allow; `*` is everything. */
export interface TokenRequest {
  readonly key: DevelopmentKey
  readonly subject: string
  readonly scopes: readonly Scope[]
  readonly feeds: '*' | readonly string[]
  readonly channels: '*' | readonly string[]
  readonly symbols: '*' | readonly string[]
  /** Absent: no rooms. */
  readonly rooms?: '*' | readonly string[]
  readonly lifetimeS: number
  /** Milliseconds since 1970; the present where absent. */
  readonly nowMs?: number
}

/** Makes a token that a gateway in development on this machine takes, with an id of its own. */
export function mintToken(request: TokenRequest): Promise<string> {
  const { key, subject, scopes, feeds, channels, symbols, rooms = [], lifetimeS } = request
  const nowS = Math.floor((request.nowMs ?? Date.now()) / 1000)
  return new SignJWT({ scope: scopes.join(' '), ticker: { feeds, channels, symbols, rooms } })
    .setProtectedHeader({ alg: 'ES256', typ: 'JWT', kid: key.id })
    .setIssuer(developmentIdentity.issuer)
    .setAudience(developmentIdentity.audience)
    .setSubject(subject)
    .setJti(randomUUID())
    .setIssuedAt(nowS)
    .setExpirationTime(nowS + lifetimeS)
    .sign(key.privateKey)
}
