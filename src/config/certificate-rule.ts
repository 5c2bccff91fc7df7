import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Reading } from './reading.ts'
import type { Variable } from './variable.ts'

/** The two variables that name a certificate and its key. */
export interface CertificateVariables {
  readonly certificateFile: Variable<string | undefined>
  readonly keyFile: Variable<string | undefined>
}

/** Adds the faults that a certificate and its key have together: one without the other, or of different pairs. */
export function checkCertificate(reading: Reading, { certificateFile, keyFile }: CertificateVariables): void {
  if (reading.isSet(certificateFile) !== reading.isSet(keyFile)) {
    const isCertificate = reading.isSet(certificateFile)
    const [present, missing] = isCertificate ? [certificateFile, keyFile] : [keyFile, certificateFile]
    reading.fault(present, `needs ${missing.name} beside it; set both or none`)
    return
  }
  const [certificate, key] = [reading.value(certificateFile), reading.value(keyFile)]
  if (certificate === undefined || key === undefined || isPair(certificate, key)) return
  reading.fault(keyFile, `is not the key of the first certificate in ${certificateFile.name}`)
}

function isPair(certificate: string, key: string): boolean {
  return new X509Certificate(readFileSync(certificate)).checkPrivateKey(createPrivateKey(readFileSync(key)))
}
