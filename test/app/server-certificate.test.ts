import { once } from 'node:events'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { ServerCertificate } from '../../src/app/server-certificate.ts'
import { CertificateAuthority, type CertificateFiles } from '../support/certificates.ts'

let folder: string
let authority: CertificateAuthority
let first: CertificateFiles
let second: CertificateFiles
let files: { certificateFile: string; keyFile: string }
let server: Server
let certificate: ServerCertificate
let warnings: string[]
const intervalMs = 20

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticker-reload-'))
  authority = await CertificateAuthority.create(folder, 'authority')
  first = await authority.sign('one', 'DNS:localhost')
  second = await authority.sign('two', 'DNS:localhost')
})
afterAll(() => rm(folder, { recursive: true }))

beforeEach(async () => {
  files = { certificateFile: join(folder, 'cert.pem'), keyFile: join(folder, 'key.pem') }
  await install(first)
  certificate = await ServerCertificate.read(files)
  server = createServer(certificate.pair, (_request, response) => response.end('ok')).listen(0, '127.0.0.1')
  await once(server, 'listening')
  warnings = []
  certificate.watch(server, { warn: (_fields, message) => warnings.push(message) }, intervalMs)
})
afterEach(() => {
  certificate.stop()
  server.closeAllConnections()
  server.close()
})

async function install({ certificateFile, keyFile }: CertificateFiles): Promise<void> {
  await copyFile(keyFile, files.keyFile)
  await copyFile(certificateFile, files.certificateFile)
}

async function open(): Promise<TLSSocket> {
  const { port } = server.address() as AddressInfo
  const ca = await readFile(authority.certificateFile)
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca })
  await once(socket, 'secureConnect')
  return socket
}

/** The name in the certificate that a new connection is shown. */
async function shownName(): Promise<string> {
  const socket = await open()
  const { subject } = socket.getPeerCertificate()
  socket.destroy()
  return String(subject.CN)
}

test('new files are shown to new connections, and old connections go on', async () => {
  const old = await open()
  expect(await shownName()).toBe('one')
  await install(second)
  await expect.poll(shownName).toBe('two')
  old.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  expect(String((await once(old, 'data'))[0])).toContain('200 OK')
  old.destroy()
  // Between the two files there may have been a look at a pair that does not fit.
  expect(certificate.reloads.taken).toBe(1)
  expect(certificate.validToMs).toBeGreaterThan(Date.now())
})

test('files that do not belong together, or are none, change nothing and are reported', async () => {
  await copyFile(second.certificateFile, files.certificateFile)
  await expect.poll(() => certificate.reloads.refused).toBeGreaterThan(0)
  expect(await shownName()).toBe('one')
  await writeFile(files.certificateFile, 'nonsense')
  const { refused } = certificate.reloads
  await expect.poll(() => certificate.reloads.refused).toBeGreaterThan(refused)
  await rm(files.keyFile)
  expect(await shownName()).toBe('one')
  expect(new Set(warnings)).toEqual(
    new Set(['the new certificate cannot be used; the old one stays until the files are right']),
  )
  await install(second)
  await expect.poll(shownName).toBe('two')
})
