import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { programPath } from '../setup/required-programs.ts'

const run = promisify(execFile)

/** The files (PEM) of a certificate and of its key. */
export interface CertificateFiles {
  readonly certificateFile: string
  readonly keyFile: string
  /** Both in one, as Kafka takes them. */
  readonly pairFile: string
}

/** An authority of the tests' own, whose certificates are good for a day. */
export class CertificateAuthority {
  readonly certificateFile: string
  readonly #folder: string

  private constructor(folder: string, certificateFile: string) {
    this.#folder = folder
    this.certificateFile = certificateFile
  }

  /** Its files, and those of what it signs, lie in `folder` under its name. */
  static async create(folder: string, name: string): Promise<CertificateAuthority> {
    const names = ['-subj', `/CN=${name}`]
    const isAuthority = ['-addext', 'keyUsage=critical,keyCertSign']
    const { certificateFile } = await make(join(folder, name), [...names, ...isAuthority])
    return new CertificateAuthority(folder, certificateFile)
  }

  /** Makes a certificate for a name, and for the alternative names, such as `DNS:localhost,IP:127.0.0.1`. */
  async sign(name: string, alternatives = `DNS:${name}`): Promise<CertificateFiles> {
    const keyFile = this.certificateFile.replace(/\.pem$/, '.key')
    const signer = ['-CA', this.certificateFile, '-CAkey', keyFile]
    const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${alternatives}`]
    const isLeaf = ['-addext', 'basicConstraints=critical,CA:FALSE']
    return make(join(this.#folder, `${name}-signed`), [...signer, ...names, ...isLeaf])
  }
}

async function make(path: string, options: readonly string[]): Promise<CertificateFiles> {
  const files = { certificateFile: `${path}.pem`, keyFile: `${path}.key`, pairFile: `${path}.pair` }
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', files.keyFile]
  await run(programPath('openssl'), [
    'req',
    '-x509',
    '-days',
    '1',
    ...key,
    '-out',
    files.certificateFile,
    ...options,
  ])
  await writeFile(files.pairFile, [await readFile(files.keyFile), await readFile(files.certificateFile)])
  return files
}
