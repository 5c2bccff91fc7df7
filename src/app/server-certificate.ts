import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { WarnLog } from '../diagnostics/rate-limited-log.ts'
import { messageOf } from '../diagnostics/ticker-error.ts'

/** Certificate chain and private key (PEM). */
export interface CertificatePair {
  readonly cert: Buffer
  readonly key: Buffer
}

export interface CertificateFiles {
  readonly certificateFile: string
  readonly keyFile: string
}

/** Uses a pair; an `https.Server` is one. */
export interface SecureServer {
  setSecureContext(pair: CertificatePair): void
}

const defaultIntervalMs = 5000

/** A server's certificate, from files that may be replaced while it runs. */
export class ServerCertificate {
  /** When the certificate in use expires, in ms since 1970. */
  validToMs: number
  /** Times that new files were accepted or refused, since start. */
  readonly reloads = { taken: 0, refused: 0 }
  readonly pair: CertificatePair
  readonly #files: CertificateFiles
  #lastRead: CertificatePair
  #timer: NodeJS.Timeout | undefined

  private constructor(files: CertificateFiles, pair: CertificatePair) {
    this.#files = files
    this.pair = pair
    this.#lastRead = pair
    this.validToMs = validTo(pair)
  }

  /** Rejects if the files cannot be read. */
  static async read(files: CertificateFiles): Promise<ServerCertificate> {
    return new ServerCertificate(files, await readPair(files))
  }

  /**
   * Reads the files at an interval and gives a server their pair when they have changed. New connections use
   * it; no old one is dropped. If the files are not a pair, that is logged, and the old pair stays.
   */
  watch(server: SecureServer, logger: WarnLog, intervalMs = defaultIntervalMs): void {
    const check = async (): Promise<void> => {
      try {
        await this.#reload(server)
      } catch (error) {
        this.reloads.refused += 1
        const { certificateFile, keyFile } = this.#files
        logger.warn(
          { certificateFile, keyFile, error: messageOf(error) },
          'the new certificate cannot be used; the old one stays until the files are right',
        )
      }
      if (this.#timer !== undefined) this.#timer = setTimeout(() => void check(), intervalMs)
    }
    this.#timer = setTimeout(() => void check(), intervalMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async #reload(server: SecureServer): Promise<void> {
    const pair = await readPair(this.#files)
    if (pair.cert.equals(this.#lastRead.cert) && pair.key.equals(this.#lastRead.key)) return
    // Between the writing of the two files they do not match; the next check sees them again.
    if (!isPair(pair)) throw new TypeError('certificate and key do not belong together')
    server.setSecureContext(pair)
    this.#lastRead = pair
    this.validToMs = validTo(pair)
    this.reloads.taken += 1
  }
}

async function readPair({ certificateFile, keyFile }: CertificateFiles): Promise<CertificatePair> {
  const [cert, key] = await Promise.all([readFile(certificateFile), readFile(keyFile)])
  return { cert, key }
}

function isPair({ cert, key }: CertificatePair): boolean {
  return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))
}

function validTo({ cert }: CertificatePair): number {
  return Date.parse(new X509Certificate(cert).validTo)
}
