import { X509Certificate } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import type { generate as Generate } from 'selfsigned'
import type { Mode } from '../config/mode.ts'
import { type Clock, systemClock } from '../system/clock.ts'
import {
  DevelopmentKeyError,
  createPrivateFile,
  readPrivateFile,
  replacePublicFile,
} from './development-file.ts'

/** The files (PEM) of a self-signed certificate for this machine alone. */
interface DevelopmentCertificate {
  /** Key and certificate, for the server; readable by the owner alone. */
  readonly pairFile: string
  /** The certificate alone, for clients that are to trust it. */
  readonly certificateFile: string
}

/**
 * The path of the certificate that clients have to trust, relative to the working directory; git ignores the
 * folder.
 */
export const developmentCertificatePath = '.ticker/development-certificate.pem'

interface CertificateOptions {
  /** `.ticker` by default. */
  readonly folder?: string
  readonly clock?: Clock
}

const dayMs = 86_400_000
const lifetimeMs = 365 * dayMs
/** With less time left the certificate is replaced, so that it does not expire while it is in use. */
const renewalMs = 30 * dayMs

/**
 * Returns the certificate for localhost, 127.0.0.1 and ::1; makes it where there is none or it expires soon.
 * Of several processes that make it at once, one wins. Works in development only; rejects with a
 * `DevelopmentKeyError`.
 */
export async function readDevelopmentCertificate(
  mode: Mode,
  { folder = '.ticker', clock = systemClock }: CertificateOptions = {},
): Promise<DevelopmentCertificate> {
  if (mode !== 'development') {
    throw new DevelopmentKeyError(
      'TICKER_MODE=production: self-signed certificates exist only in development; set ' +
        'TICKER_TLS_CERT_FILE and TICKER_TLS_KEY_FILE',
    )
  }
  const pairFile = join(folder, 'development-certificate.pair')
  const certificateFile = join(folder, 'development-certificate.pem')
  const certificate = await readCertificate(pairFile, clock.wall())
  const published = await readFile(certificateFile, 'utf8').catch(() => undefined)
  if (published !== certificate) await replacePublicFile(certificateFile, certificate)
  return { pairFile, certificateFile }
}

/**
 * Returns the certificate authorities that Node knows, and this folder's development certificate where there
 * is one.
 */
export async function trustedCertificates(path: string = developmentCertificatePath): Promise<string[]> {
  const certificate = await readFile(path, 'utf8').catch(() => undefined)
  return certificate === undefined ? getCACertificates() : [...getCACertificates(), certificate]
}

async function readCertificate(pairFile: string, nowMs: number): Promise<string> {
  const present = await readPrivateFile(pairFile)
  if (present !== undefined) {
    const certificate = certificateOf(present, pairFile)
    if (Date.parse(new X509Certificate(certificate).validTo) - nowMs > renewalMs) return certificate
    await rm(pairFile, { force: true })
  }
  return certificateOf(await createPrivateFile(pairFile, await newPair(nowMs)), pairFile)
}

function certificateOf(pair: string, path: string): string {
  const [certificate] = /-----BEGIN CERTIFICATE-----[^]+?-----END CERTIFICATE-----\n/.exec(pair) ?? []
  if (certificate === undefined || !pair.includes('PRIVATE KEY')) {
    throw new DevelopmentKeyError(
      `${path}: damaged; delete it and a new one is made; clients must trust that one anew`,
    )
  }
  return certificate
}

/**
 * An end-entity certificate: a client that trusts it trusts this gateway, but nothing that its key might
 * sign.
 */
async function newPair(nowMs: number): Promise<string> {
  const { generate } = await importGenerator()
  const pair = await generate([{ name: 'commonName', value: 'ticker-gateway development' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(nowMs),
    notAfterDate: new Date(nowMs + lifetimeMs),
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  })
  return `${pair.private.trim()}\n${pair.cert.trim()}\n`
}

/** Loaded on demand: it depends on twenty packages. */
async function importGenerator(): Promise<{ readonly generate: typeof Generate }> {
  try {
    return await import('selfsigned')
  } catch (error) {
    throw new DevelopmentKeyError('the package selfsigned is missing: npm ci', { cause: error })
  }
}
