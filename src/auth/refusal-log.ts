import { decodeProtectedHeader } from 'jose'
import { RateLimitedLog, type WarnLog } from '../rate-limited-log.ts'
import { showValue } from '../show-value.ts'
import { TokenError, type TokenFault } from './token-error.ts'
import type { TokenVerifier } from './token-verifier.ts'

/** Between two lines of one reason: strangers can have as many tokens refused as they like. */
const intervalMs = 60_000

/** The check of tokens that also logs why they are refused: one line for each reason a minute, which says how many it stands for. */
export function withRefusalLog(verify: TokenVerifier, log: WarnLog): TokenVerifier {
  const logs = new Map<TokenFault, RateLimitedLog>()
  return async token => {
    try {
      return await verify(token)
    } catch (error) {
      if (error instanceof TokenError) {
        const { reason, message } = error
        const ofReason = logs.get(reason) ?? new RateLimitedLog(log, intervalMs)
        logs.set(reason, ofReason)
        ofReason.warn({ reason, error: message, ...keyHint(token, reason) }, 'a token was refused')
      }
      throw error
    }
  }
}

/** Which key the token asks for, where no key verifies it. */
function keyHint(token: string, reason: TokenFault): { readonly alg?: string; readonly kid?: string } {
  if (reason !== 'key' && reason !== 'signature' && reason !== 'algorithm') return {}
  try {
    const { alg, kid } = decodeProtectedHeader(token)
    return { alg: showValue(alg), kid: showValue(kid) }
  } catch {
    return {}
  }
}
