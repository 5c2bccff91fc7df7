import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { readConfig } from '../../src/config/config-reader.ts'
import { startTestGateway } from '../support/gateway.ts'
import { faultsOf, production } from './environment.ts'

/**
 * Cause: an origin was taken if a URL has it, which only those of http and https have; `*` is a letter of a
 * host name there.
 * Symptom: an app in Capacitor, Tauri or a browser's extension could not be allowed; https://*.example.com
 * was, and let nobody in.
 * Seen: from outside, with --check-config and the origins of such apps.
 */
describe('an allowed origin', () => {
  test.each([
    'https://app.example.com',
    'http://localhost:3000',
    'https://xn--bcher-kva.example',
    'https://[2001:db8::1]:8443',
    'capacitor://localhost',
    'ionic://localhost',
    'tauri://localhost',
    'app://.',
    'chrome-extension://abcdefghijklmnopabcdefghijklmnop',
    'moz-extension://0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0',
    'file://',
  ])('may be %s, which browsers send', origin => {
    expect(readConfig({ ...production, TICKER_ALLOWED_ORIGINS: origin }).stream.allowedOrigins).toEqual(
      new Set([origin]),
    )
  })

  test.each([
    ['https://App.Example.com', 'https://app.example.com'],
    ['HTTPS://app.example.com', 'https://app.example.com'],
    ['https://app.example.com:443', 'https://app.example.com'],
    ['http://app.example.com:80', 'http://app.example.com'],
    ['https://app.example.com/', 'https://app.example.com'],
    ['https://app.example.com/login?x#y', 'https://app.example.com'],
    ['https://user@app.example.com', 'https://app.example.com'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['https://[2001:DB8:0::1]', 'https://[2001:db8::1]'],
    ['capacitor://LocalHost/', 'capacitor://localhost'],
    ['file:///index.html', 'file://'],
  ])('is not %s; what browsers send for it is said', (origin, sent) => {
    const faults = faultsOf({ ...production, TICKER_ALLOWED_ORIGINS: `https://a.example, ${origin}` })
    expect(faults).toEqual([
      expect.stringContaining(`expected origins as browsers send them: ${sent} instead of `),
    ])
  })

  test.each([
    ['https://*.example.com', 'expected complete origins'],
    ['wss://app.example.com', 'https:// instead of wss://'],
    ['null', 'any page can send null'],
    ['app.example.com', 'a comma-separated list of origins'],
    ['mailto:me@example.com', 'a comma-separated list of origins'],
  ])('is not %s', (origin, why) => {
    expect(faultsOf({ ...production, TICKER_ALLOWED_ORIGINS: origin })).toEqual([
      expect.stringContaining(why),
    ])
  })

  test('of an app lets that app connect, and no other', async () => {
    const gateway = await startTestGateway({ TICKER_ALLOWED_ORIGINS: 'capacitor://localhost' })
    const open = new WebSocket(gateway.streamUrl, { headers: { origin: 'capacitor://localhost' } })
    await once(open, 'open')
    open.terminate()
    const refused = new WebSocket(gateway.streamUrl, { headers: { origin: 'tauri://localhost' } })
    const [, answer] = (await once(refused, 'unexpected-response')) as [unknown, { statusCode: number }]
    refused.on('error', () => undefined).terminate()
    expect(answer.statusCode).toBe(403)
    await gateway.stop()
  })
})
