import { X509Certificate, createPrivateKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import {
  type PublicKey,
  PublicKeyError,
  type TokenAlgorithm,
  parsePublicKey,
  tokenAlgorithms,
} from '../../auth/public-key.ts'
import { type Kind, kind } from './kind.ts'

/** Signature algorithms with a public key; the faults explain why others are refused. */
export const algorithmList: Kind<readonly TokenAlgorithm[]> = {
  expected: `a comma-separated list of ${tokenAlgorithms.join(' ')}`,
  parse(list) {
    const values = new Set<TokenAlgorithm>()
    for (const entry of list.split(',').map(piece => piece.trim())) {
      const known = tokenAlgorithms.find(algorithm => algorithm === entry)
      if (known === undefined) return { fault: faultOf(entry) ?? `expected ${this.expected}` }
      values.add(known)
    }
    return { value: [...values] }
  },
}

function faultOf(entry: string): string | undefined {
  if (entry.toLowerCase() === 'none') return '"none" would accept tokens that nobody signed; leave it out'
  if (!/^HS\d+$/i.test(entry)) return undefined
  return "HMAC needs the issuer's secret here, and whoever has it can make tokens; use ES256 or EdDSA"
}

/** A public key as PEM or JWK. */
export const publicKey: Kind<PublicKey> = {
  expected: 'a public key as PEM (BEGIN PUBLIC KEY) or JWK',
  parse(text) {
    try {
      return { value: parsePublicKey(text) }
    } catch (error) {
      if (error instanceof PublicKeyError) return { fault: error.message }
      throw error
    }
  },
}

/** The path of a file with one certificate or several. */
export const certificateFile = pemFile('the path of a PEM file with certificates', text => {
  return new X509Certificate(text)
})

/** The path of a file with a private key; an encrypted key would need a password as well. */
export const privateKeyFile = pemFile('the path of a PEM file with a private key, not encrypted', text => {
  return createPrivateKey(text)
})

/** Creates a kind whose value is the path of a file that `read` accepts. */
function pemFile(expected: string, read: (text: Buffer) => unknown): Kind<string> {
  return kind(expected, path => {
    try {
      read(readFileSync(path))
      return path
    } catch {
      return undefined
    }
  })
}
