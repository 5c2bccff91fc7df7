import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startGateway } from '../../src/app/gateway.ts'
import { readConfig } from '../../src/config/config-reader.ts'

const timers = (): number => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length

// Cause: what a start had opened was registered for release only when everything stood. Symptom: the timers of
// sessions and of the certificate went on after a start that failed. Seen by a review with an injected fault.
test('a start that fails half way leaves no timer', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-'))
  const config = readConfig({
    TICKER_MODE: 'development',
    TICKER_PORT: '0',
    TICKER_OPS_PORT: '0',
    TICKER_TLS_SELF_SIGNED: 'yes',
    TICKER_EMBEDDED_PATH: join(folder, 'log.sqlite'),
  })
  const before = timers()
  const stream = {
    ...config.stream,
    // The sessions are open when the route asks for it.
    get allowedOrigins(): never {
      throw new Error('half way')
    },
  }
  await expect(startGateway({ ...config, stream }, { logStream: { write: () => true } })).rejects.toThrow(
    'half way',
  )
  await expect.poll(timers).toBe(before)
  await rm(folder, { recursive: true, force: true })
})
