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

/** Where a pair is used; an `https.Server` is one. */
export interface SecureServer {
  setSecureContext(pair: CertificatePair): void
}

const defaultIntervalMs = 5000

/** The certificate of a server, from files that may be replaced while it runs. */
export class ServerCertificate {
  /** Until when the certificate in use is valid, in ms since 1970. */
  validToMs: number
  /** Times that new files were taken, or refused, since start. */
  readonly reloads = { taken: 0, refused: 0 }
  readonly pair: CertificatePair
  readonly #files: CertificateFiles
  #seen: CertificatePair
  #timer: NodeJS.Timeout | undefined

  private constructor(files: CertificateFiles, pair: CertificatePair) {
    this.#files = files
    this.pair = pair
    this.#seen = pair
    this.validToMs = validTo(pair)
  }

  /** Rejects where the files cannot be read. */
  static async read(files: CertificateFiles): Promise<ServerCertificate> {
    return new ServerCertificate(files, await readPair(files))
  }

  /**
   * Looks at the files now and then, and gives their pair to a server when they have changed: to new connections, no old one is
   * dropped. What is not a pair is logged, and the former one stays.
   */
  watch(server: SecureServer, logger: WarnLog, intervalMs = defaultIntervalMs): void {
    const look = async (): Promise<void> => {
      try {
        await this.#reload(server)
      } catch (error) {
        this.reloads.refused += 1
        const { certificateFile, keyFile } = this.#files
        logger.warn(
          { certificateFile, keyFile, error: messageOf(error) },
          'the new certificate cannot be used; the former one stays until the files are right',
        )
      }
      if (this.#timer !== undefined) this.#timer = setTimeout(() => void look(), intervalMs)
    }
    this.#timer = setTimeout(() => void look(), intervalMs)
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async #reload(server: SecureServer): Promise<void> {
    const pair = await readPair(this.#files)
    if (pair.cert.equals(this.#seen.cert) && pair.key.equals(this.#seen.key)) return
    // Between the writing of one file and of the other they do not fit; they are looked at again.
    if (!isPair(pair)) throw new TypeError('certificate and key do not belong together')
    server.setSecureContext(pair)
    this.#seen = pair
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
