import { type Revocations, withRevocations } from '../auth/revocations.ts'
import type { TokenKeys } from '../auth/token-keys.ts'
import { withRefusalLog } from '../auth/refusal-log.ts'
import { createTokenVerifier, type TokenVerifier } from '../auth/token-verifier.ts'
import type { Config } from '../config/config.ts'
import type { WarnLog } from '../rate-limited-log.ts'
import { longestHeaderTokenBytes } from '../transport/http-refusals.ts'

interface TokenCheckParts {
  readonly keys: TokenKeys
  readonly revocations: Revocations
  readonly log: WarnLog
}

/** Creates the check that every token goes through, wherever it comes in. A token may be as long as its header or message. */
export function createTokenCheck(
  { auth, limits }: Config,
  { keys, revocations, log }: TokenCheckParts,
): TokenVerifier {
  const longestTokenBytes = Math.max(limits.maxMessageBytes, longestHeaderTokenBytes)
  const verify = createTokenVerifier({ ...auth, keys: keys.find, keySet: keys.set, longestTokenBytes })
  return withRefusalLog(withRevocations(verify, revocations), log)
}
