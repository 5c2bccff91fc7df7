import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchChromium } from '../support/chromium.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

let gateway: TestGateway
let browser: Browser

beforeAll(async () => {
  ;[gateway, browser] = await Promise.all([
    startTestGateway({ TICKER_DEMO: 'on', TICKER_HEARTBEAT_MS: '1000' }),
    launchChromium(),
  ])
})
afterAll(async () => {
  await browser.close()
  await gateway.stop()
})

test('shows prices that move, in a real browser, without a fault', async () => {
  const page = await browser.newPage()
  const faults: string[] = []
  page.on('pageerror', error => faults.push(error.message))
  page.on('console', message => message.type() === 'error' && faults.push(message.text()))
  await page.goto(gateway.url)
  const price = page.locator('[data-symbol="AAPL"] .price')
  await expect.poll(() => price.textContent()).toMatch(/^\d+\.\d\d$/)
  const first = await price.textContent()
  await expect.poll(() => price.textContent()).not.toBe(first)
  await expect
    .poll(() => page.textContent('#status'))
    .toMatch(/^live, \d\d:\d\d:\d\d UTC; last trade \d+ ms ago$/)
  await expect.poll(() => page.locator('tbody tr').count()).toBeGreaterThan(200)
  await page.fill('input', 'aapl')
  await expect.poll(() => page.locator('tbody tr:visible').count()).toBe(1)
  expect(faults.filter(fault => !fault.includes('favicon'))).toEqual([])
  expect(page.url()).not.toMatch(/token|eyJ/)
  await page.close()
})

test('connects again by itself when its node goes away and comes back', async () => {
  const own = await startTestGateway({ TICKER_DEMO: 'on' })
  const page = await browser.newPage()
  await page.goto(own.url)
  await expect.poll(() => page.textContent('[data-symbol="AAPL"] .price')).toMatch(/\d/)
  await own.stop()
  await expect
    .poll(() => page.textContent('#status'))
    .toMatch(/^closed: (4000 draining|1006 ), reconnecting$/)
  const again = await startTestGateway({
    TICKER_PORT: new URL(own.url).port,
    TICKER_DEMO: 'on',
    TICKER_HEARTBEAT_MS: '1000',
  })
  await expect.poll(() => page.textContent('#status')).toMatch(/^live/)
  await page.close()
  await again.stop()
})

// Cause: the status showed the age of a trade whether there was one or not; seven columns took 560 px.
// Symptom: "last trade undefined ms ago" on an empty log, and a table cut off on a phone.
// Seen: from outside, in Chromium of 390 px.
test('says on an empty log that there is no trade yet', async () => {
  const own = await startTestGateway({ TICKER_HEARTBEAT_MS: '1000' })
  const page = await browser.newPage()
  await page.goto(own.url)
  await expect.poll(() => page.textContent('#status')).toMatch(/^live, \d\d:\d\d:\d\d UTC; no trade yet$/)
  await page.close()
  await own.stop()
})

test.each([390, 360, 1280])('nothing is cut off in a window of %d px', async width => {
  const page = await browser.newPage({ viewport: { width, height: 844 } })
  await page.goto(gateway.url)
  await expect.poll(() => page.locator('tbody tr').count()).toBeGreaterThan(200)
  await expect.poll(() => page.textContent('#status')).toMatch(/^live/)
  const overflowing = await page.evaluate(
    `[...document.querySelectorAll('html, header > *, main, td, th')]
      .filter(element => element.getBoundingClientRect().right > innerWidth || element.scrollWidth > element.clientWidth + 1)
      .map(element => element.outerHTML.slice(0, 80))`,
  )
  expect(overflowing).toEqual([])
  await page.close()
})

test('is served on loopback names alone, so that a rebound name cannot read its token', async () => {
  const { port } = new URL(gateway.url)
  expect(await statusFor(port, 'localhost')).toBe(200)
  expect(await statusFor(port, `[::1]:${port}`)).toBe(200)
  expect(await statusFor(port, 'evil.example')).toBe(403)
  expect(await statusFor(port, `127.0.0.1.evil.example:${port}`)).toBe(403)
})

test('allows nothing that it does not need', async () => {
  const response = await fetch(gateway.url)
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'")
  expect(response.headers.get('cache-control')).toBe('no-store')
})

test('runs the client that the README shows', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const client = readFileSync(new URL('../../src/http/page/client.js', import.meta.url), 'utf8')
  expect(readme).toContain(client.trim())
})

function statusFor(port: string, host: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path: '/', headers: { host } }, response => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}
