import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readConfig } from '../../../src/config/config-reader.ts'
import { CertificateAuthority, type CertificateFiles } from '../../support/certificates.ts'
import { startTestGateway } from '../../support/gateway.ts'
import { StreamClient } from '../../support/stream-client.ts'
import { development, faultsOf, production } from '../environment.ts'

let folder: string
let authority: CertificateAuthority
let files: CertificateFiles
let others: CertificateFiles

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticker-tls-'))
  authority = await CertificateAuthority.create(folder, 'authority')
  files = await authority.sign('localhost', 'DNS:localhost,IP:127.0.0.1')
  others = await authority.sign('other')
})
afterAll(() => rm(folder, { recursive: true }))

const tls = (certificateFile: string, keyFile: string): Record<string, string> => ({
  TICKER_TLS_CERT_FILE: certificateFile,
  TICKER_TLS_KEY_FILE: keyFile,
})

describe('the protection of the stream', () => {
  test('an address that others reach takes TLS, ours or a proxy’s', () => {
    const exposed = { ...production, TICKER_HOST: '0.0.0.0' }
    const [fault, ...rest] = faultsOf(exposed)
    expect(rest).toEqual([])
    expect(fault).toContain('TICKER_HOST=0.0.0.0: not loopback')
    const proxied = readConfig({ ...exposed, TICKER_TRUSTED_PROXIES: '10.0.0.0/8, 2001:db8::/32' }).stream
    expect(proxied.protection).toEqual({ kind: 'plain' })
    expect(proxied.trustedProxies.map(({ address, bits }) => `${address.toString()}/${bits}`)).toEqual([
      '10.0.0.0/8',
      '2001:db8::/32',
    ])
    const { certificateFile, keyFile } = files
    const withTls = { ...exposed, ...tls(certificateFile, keyFile) }
    expect(readConfig(withTls).stream.protection).toEqual({ kind: 'tls', certificateFile, keyFile })
  })

  test('one TLS file asks for the other', () => {
    expect(faultsOf({ ...production, TICKER_TLS_CERT_FILE: files.certificateFile })[0]).toContain(
      'needs TICKER_TLS_KEY_FILE as well',
    )
    expect(faultsOf({ ...production, TICKER_TLS_KEY_FILE: files.keyFile })[0]).toContain(
      'needs TICKER_TLS_CERT_FILE as well',
    )
  })

  test('reports before the start what is no certificate, no key, or of another pair', async () => {
    const garbage = join(folder, 'garbage.pem')
    await writeFile(garbage, 'x')
    expect(faultsOf({ ...production, ...tls(garbage, garbage) })).toEqual([
      `TICKER_TLS_CERT_FILE=${garbage}: expected the path of a PEM file with certificates`,
      `TICKER_TLS_KEY_FILE=${garbage}: expected the path of a PEM file with a private key, not encrypted`,
    ])
    expect(faultsOf({ ...production, ...tls(files.certificateFile, others.keyFile) })).toEqual([
      `TICKER_TLS_KEY_FILE=${others.keyFile}: is not the key of the first certificate in TICKER_TLS_CERT_FILE`,
    ])
  })

  test('a certificate that nobody vouches for is for development, and alone', () => {
    const selfSigned = { TICKER_TLS_SELF_SIGNED: 'yes' }
    expect(readConfig({ ...development, ...selfSigned }).stream.protection).toEqual({ kind: 'self-signed' })
    expect(faultsOf({ ...production, ...selfSigned })).toEqual([
      'TICKER_TLS_SELF_SIGNED=yes: exists only in development; unset it, or set TICKER_MODE=development on your own machine',
    ])
    expect(faultsOf({ ...development, ...selfSigned, ...tls(files.certificateFile, files.keyFile) })).toEqual(
      ['TICKER_TLS_SELF_SIGNED=yes: TICKER_TLS_CERT_FILE is set as well; unset one of them'],
    )
    expect(faultsOf({ ...production, TICKER_TLS_SELF_SIGNED: 'no' })).toEqual([])
  })

  test('with certificate and key the stream is wss', async () => {
    const gateway = await startTestGateway(tls(files.certificateFile, files.keyFile))
    expect(gateway.streamUrl).toMatch(/^wss:/)
    const client = new StreamClient(gateway.streamUrl, {
      ca: readFileSync(authority.certificateFile),
      headers: { authorization: `Bearer ${await gateway.token()}` },
    })
    expect(await client.takeMany(2)).toMatchObject([{ msg: 'connected' }, { msg: 'authenticated' }])
    await client.subscribe({ trades: ['*'] })
    await client.close()
    await gateway.stop()
  })
})
