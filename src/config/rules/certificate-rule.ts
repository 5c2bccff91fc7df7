import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { messageOf } from '../../diagnostics/ticker-error.ts'
import type { VariableReader } from '../variable-reader.ts'
import type { Variable } from '../variables/variable.ts'

/** The two variables that name a certificate and its key. */
interface CertificateVariables {
  readonly certificateFile: Variable<string | undefined>
  readonly keyFile: Variable<string | undefined>
}

/**
 * Adds the faults of a certificate and its key together: one without the other, of different pairs, not valid
 * now, or too weak.
 */
export function checkCertificate(
  reader: VariableReader,
  { certificateFile, keyFile }: CertificateVariables,
): void {
  if (reader.isSet(certificateFile) !== reader.isSet(keyFile)) {
    const isCertificate = reader.isSet(certificateFile)
    const [present, missing] = isCertificate ? [certificateFile, keyFile] : [keyFile, certificateFile]
    reader.fault(present, `needs ${missing.name} as well; set both or neither`)
    return
  }
  const [certificate, key] = [reader.value(certificateFile), reader.value(keyFile)]
  if (certificate === undefined || key === undefined) return
  const [pem, keyPem] = [readFileSync(certificate), readFileSync(key)]
  if (!new X509Certificate(pem).checkPrivateKey(createPrivateKey(keyPem))) {
    reader.fault(keyFile, `is not the key of the first certificate in ${certificateFile.name}`)
    return
  }
  const lapse = validityFault(pem)
  if (lapse !== undefined) reader.fault(certificateFile, `${lapse}; renew it`)
  const weakness = tlsFault(pem, keyPem)
  if (weakness !== undefined)
    reader.fault(certificateFile, `cannot be used for TLS (${weakness}); make another`)
}

/** Adds a fault where no certificate in a file of authorities is valid now. */
export function checkAuthorities(reader: VariableReader, variable: Variable<string | undefined>): void {
  const path = reader.value(variable)
  if (path === undefined) return
  const certificates = readFileSync(path, 'latin1').match(
    /-----BEGIN[^-]*CERTIFICATE-----[^-]+-----END[^-]+-----/g,
  )
  const lapses = (certificates ?? []).map(validityFault)
  if (lapses.length === 0 || lapses.includes(undefined)) return
  reader.fault(variable, `every certificate in it ${lapses[0]}; name a file with current authorities`)
}

/** Returns why the first certificate of a text is not valid now; `undefined` where it is. */
function validityFault(pem: string | Buffer): string | undefined {
  const { validFromDate, validToDate } = new X509Certificate(pem)
  const now = new Date()
  if (validToDate < now) return `has expired, at ${validToDate.toISOString()}`
  return validFromDate > now ? `is not valid before ${validFromDate.toISOString()}` : undefined
}

/**
 * Returns why OpenSSL refuses a certificate and its key, such as that the key is too short; `undefined` where
 * it does not.
 */
function tlsFault(cert: Buffer, key: Buffer): string | undefined {
  try {
    createSecureContext({ cert, key })
    return undefined
  } catch (error) {
    return messageOf(error).trim()
  }
}
