import { secureUrl } from '../kinds/address-kinds.ts'
import { algorithmList, publicKey } from '../kinds/key-kinds.ts'
import { singleLine, wholeNumber } from '../kinds/kind.ts'
import { optional, required, withDefault } from './variable.ts'

export const authVariables = {
  keySetUrl: optional({
    name: 'TICKER_JWT_JWKS_URL',
    kind: secureUrl,
    absent: 'this or TICKER_JWT_PUBLIC_KEY in production',
    doc: "The issuer's key set; read every 5 minutes, and when no key fits a token.",
  }),
  maxStaleS: withDefault({
    name: 'TICKER_JWKS_MAX_STALE_S',
    kind: wholeNumber(600, 2_592_000, 'seconds'),
    default: '86400',
    doc: 'How long the keys read last stay in use while the issuer is away; then tokens are refused.',
  }),
  publicKey: optional({
    name: 'TICKER_JWT_PUBLIC_KEY',
    kind: publicKey,
    absent: 'in development a generated key',
    doc: 'A single key that verifies tokens, instead of a key set.',
    // The key is public, but someone may paste the private one, and it must not end in a log.
    isSecret: true,
  }),
  issuer: required({
    name: 'TICKER_JWT_ISSUER',
    kind: singleLine(512),
    doc: 'The `iss` that tokens must have.',
  }),
  audience: required({
    name: 'TICKER_JWT_AUDIENCE',
    kind: singleLine(512),
    doc: 'The `aud` that tokens must have.',
  }),
  algorithms: withDefault({
    name: 'TICKER_JWT_ALGORITHMS',
    kind: algorithmList,
    default: 'ES256,EdDSA,RS256,PS256',
    doc: 'Signature algorithms that are accepted.',
  }),
  clockToleranceS: withDefault({
    name: 'TICKER_JWT_CLOCK_TOLERANCE_S',
    kind: wholeNumber(0, 300, 'seconds'),
    default: '5',
    doc: "How far the issuer's clock may differ from ours; a revocation of a user extends as far ahead.",
  }),
}
