import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Kind, kind } from './kind.ts'

/** The path of a file with a certificate, or with several. */
export const certificateFile = pemFile('the path of a PEM file with certificates', text => {
  return new X509Certificate(text)
})

/** The path of a file with a private key; an encrypted one would need a password beside it. */
export const privateKeyFile = pemFile('the path of a PEM file with a private key, not encrypted', text => {
  return createPrivateKey(text)
})

/** A kind whose value is the path; what the file holds has to be what `read` takes. */
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
