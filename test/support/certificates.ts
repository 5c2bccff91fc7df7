import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Requirements, type Requirement } from './requirements.ts'

const run = promisify(execFile)

export const openssl: Requirement = {
  purpose: 'makes certificates',
  programs: ['openssl'],
  debianPackage: 'openssl',
}

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
  readonly #openssl: string

  private constructor(folder: string, program: string, certificateFile: string) {
    this.#folder = folder
    this.#openssl = program
    this.certificateFile = certificateFile
  }

  /** Its files, and those of what it signs, lie in `folder` under its name. */
  static async create(folder: string, name: string): Promise<CertificateAuthority> {
    const program = await new Requirements().ensure(openssl)
    const names = ['-subj', `/CN=${name}`]
    const isAuthority = ['-addext', 'keyUsage=critical,keyCertSign']
    const { certificateFile } = await make(program, join(folder, name), [...names, ...isAuthority])
    return new CertificateAuthority(folder, program, certificateFile)
  }

  /** Makes a certificate for a name, and for the alternative names, such as `DNS:localhost,IP:127.0.0.1`. */
  async sign(name: string, alternatives = `DNS:${name}`): Promise<CertificateFiles> {
    const keyFile = this.certificateFile.replace(/\.pem$/, '.key')
    const signer = ['-CA', this.certificateFile, '-CAkey', keyFile]
    const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${alternatives}`]
    const isLeaf = ['-addext', 'basicConstraints=critical,CA:FALSE']
    return make(this.#openssl, join(this.#folder, `${name}-signed`), [...signer, ...names, ...isLeaf])
  }
}

async function make(program: string, path: string, options: readonly string[]): Promise<CertificateFiles> {
  const files = { certificateFile: `${path}.pem`, keyFile: `${path}.key`, pairFile: `${path}.pair` }
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', files.keyFile]
  await run(program, ['req', '-x509', '-days', '1', ...key, '-out', files.certificateFile, ...options])
  await writeFile(files.pairFile, [await readFile(files.keyFile), await readFile(files.certificateFile)])
  return files
}
