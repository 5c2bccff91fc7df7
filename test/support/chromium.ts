import { type Browser, chromium } from 'playwright-core'
import { programPath } from '../setup/required-programs.ts'

/**
 * No services of the browser's own, which would look for a network; no QUIC, so that what is measured is TCP.
 */
const quietArguments = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Chromium refuses to run its sandbox as root. */
const rootArguments = process.getuid?.() === 0 ? ['--no-sandbox'] : []

/** Starts a headless browser; the caller closes it. */
export async function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: programPath('chromium'),
    headless: true,
    args: [...quietArguments, ...rootArguments],
  })
}
