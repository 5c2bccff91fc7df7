import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  developmentCertificatePath as certificateFile,
  trustedCertificates,
} from '../../src/auth/development-certificate.ts'
import { programPath } from '../setup/required-programs.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { StreamClient } from '../support/stream-client.ts'

const run = promisify(execFile)
let gateway: TestGateway

beforeAll(async () => {
  gateway = await startTestGateway({ TICKER_TLS_SELF_SIGNED: 'yes' })
})
afterAll(() => gateway.stop())

test('with TICKER_TLS_SELF_SIGNED the page is https and the stream wss on each local name', async () => {
  expect(gateway.url).toMatch(/^https:/)
  for (const host of ['localhost', '127.0.0.1']) {
    const client = new StreamClient(gateway.streamUrl.replace('127.0.0.1', host), {
      ca: await trustedCertificates(),
      headers: { authorization: `Bearer ${await gateway.token()}` },
    })
    expect(await client.takeMany(2)).toMatchObject([{ msg: 'connected' }, { msg: 'authenticated' }])
    await client.close()
  }
  expect(await gateway.metric('ticker_tls_certificate_expiry_timestamp_seconds')).toBeGreaterThan(
    Date.now() / 1000 + 29 * 86_400,
  )
})

// Cause: Fastify says http of every server that it did not make itself.
// Symptom: the log said "Server listening at http://…" of a stream that is https.
// Seen: from outside, with TICKER_TLS_SELF_SIGNED.
test('the log says what listens where, and by which scheme', () => {
  const listening = gateway.logLines.join('').matchAll(/"msg":"(listening for .+: .+)"/g)
  expect(Array.from(listening, ([, message]) => message)).toEqual([
    `listening for metrics and health: ${gateway.operationsUrl}`,
    `listening for the stream: ${gateway.url}`,
  ])
})

test('curl and another Node trust it in the ways that the start prints', async () => {
  const { stdout } = await run(programPath('curl'), ['-sS', '--cacert', certificateFile, `${gateway.url}/`])
  expect(stdout).toContain('<meta name="ticker-token"')
  const script = `console.log((await fetch(${JSON.stringify(`${gateway.url}/`)})).status)`
  const env = { ...process.env, NODE_EXTRA_CA_CERTS: certificateFile }
  const node = await run(process.execPath, ['--input-type=module', '-e', script], { env })
  expect(node.stdout).toBe('200\n')
})

test('a client that does not trust it refuses it', async () => {
  const { webSocket } = new StreamClient(gateway.streamUrl)
  const [error] = (await once(webSocket, 'error')) as [{ code?: string }]
  expect(error.code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
})
