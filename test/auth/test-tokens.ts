import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { SignJWT } from 'jose'
import {
  type TokenVerifierOptions,
  createTokenVerifier,
  type TokenVerifier,
} from '../../src/auth/token-verifier.ts'
import { TokenError } from '../../src/auth/token-error.ts'
import { clockOf } from '../support/test-clock.ts'

/** The time at which every test token is made and checked. */
export const nowS = 1_800_000_000

export const identity = { issuer: 'https://issuer.example', audience: 'ticker' } as const

export function es256(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' })
}

/** Claims that are right at `nowS`. */
export const claims = {
  iss: identity.issuer,
  aud: identity.audience,
  sub: 'ann',
  exp: nowS + 60,
  scope: 'stream',
  ticker: { feeds: ['live'], channels: '*', symbols: ['AAPL'] },
}

/** Signs claims as they are. */
export function sign(
  payload: Record<string, unknown>,
  key: KeyObject | Uint8Array,
  header: { alg: string; kid?: string; typ?: string } = { alg: 'ES256' },
): Promise<string> {
  return new SignJWT(payload).setProtectedHeader(header).sign(key)
}

/** A verifier of one key, whose clock stands at `nowS`. */
export function verifierOf(key: KeyObject, changes: Partial<TokenVerifierOptions> = {}): TokenVerifier {
  return createTokenVerifier({
    ...identity,
    algorithms: ['ES256'],
    clockToleranceS: 5,
    keys: () => key,
    clock: clockOf(() => nowS * 1000),
    ...changes,
  })
}

/** Why a token is refused; fails where it is not, or where anything but a `TokenError` is thrown. */
export async function refusalOf(verify: TokenVerifier, token: string): Promise<TokenError> {
  try {
    await verify(token)
  } catch (error) {
    if (error instanceof TokenError) return error
    throw error
  }
  throw new Error('the token was accepted')
}
