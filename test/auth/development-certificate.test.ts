import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readDevelopmentCertificate } from '../../src/auth/development-certificate.ts'
import { DevelopmentKeyError } from '../../src/auth/development-file.ts'
import { clockOf } from '../support/test-clock.ts'

let folder = ''

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticker-certificate-'))
})

afterEach(() => rm(folder, { recursive: true }))

const dayMs = 86_400_000
const read = async (path: string): Promise<X509Certificate> => new X509Certificate(await readFile(path))

test('is made for this machine alone, with a key for its owner only, and kept', async () => {
  const { pairFile, certificateFile } = await readDevelopmentCertificate('development', { folder })
  expect((await stat(pairFile)).mode & 0o777).toBe(0o600)
  expect(await readFile(certificateFile, 'utf8')).not.toContain('PRIVATE')
  const certificate = await read(certificateFile)
  expect(certificate.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1')
  expect(certificate.ca).toBe(false)
  await readDevelopmentCertificate('development', { folder })
  expect((await read(certificateFile)).fingerprint256).toBe(certificate.fingerprint256)
})

test('is not made in production', async () => {
  await expect(readDevelopmentCertificate('production', { folder })).rejects.toThrow(
    /^TICKER_MODE=production: .* only in development/,
  )
  expect(await readdir(folder)).toEqual([])
})

test('is used for eleven months, then replaced', async () => {
  const nowMs = Date.now()
  const fingerprintIn = async (days: number): Promise<string> => {
    const options = { folder, clock: clockOf(() => nowMs + days * dayMs) }
    const { pairFile, certificateFile } = await readDevelopmentCertificate('development', options)
    const { fingerprint256 } = await read(certificateFile)
    expect((await read(pairFile)).fingerprint256).toBe(fingerprint256)
    return fingerprint256
  }
  const first = await fingerprintIn(0)
  expect(await fingerprintIn(334)).toBe(first)
  expect(await fingerprintIn(336)).not.toBe(first)
})

test('is one for processes that start at once', async () => {
  const module = new URL('../../src/auth/development-certificate.ts', import.meta.url).href
  const script = `const { readDevelopmentCertificate } = await import(${JSON.stringify(module)})
    const { certificateFile } = await readDevelopmentCertificate('development', { folder: ${JSON.stringify(folder)} })
    console.log(await (await import('node:fs/promises')).readFile(certificateFile, 'utf8'))`
  const runs = Array.from({ length: 3 }, () =>
    promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]),
  )
  expect(new Set((await Promise.all(runs)).map(({ stdout }) => stdout)).size).toBe(1)
  expect((await readdir(folder)).toSorted()).toEqual([
    'development-certificate.pair',
    'development-certificate.pem',
  ])
})

test('is refused when others can read its key, or when it is damaged, with the cure', async () => {
  const { pairFile } = await readDevelopmentCertificate('development', { folder })
  await chmod(pairFile, 0o644)
  const refused = readDevelopmentCertificate('development', { folder })
  await expect(refused).rejects.toThrow(`${pairFile}: mode 0644 lets others read the key`)
  await chmod(pairFile, 0o600)
  await writeFile(pairFile, 'x')
  const damaged = readDevelopmentCertificate('development', { folder })
  await expect(damaged).rejects.toBeInstanceOf(DevelopmentKeyError)
  await expect(damaged).rejects.toThrow(/damaged; delete it/)
})
