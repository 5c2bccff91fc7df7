import { once } from 'node:events'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { StreamClient } from '../support/stream-client.ts'

test('the gateway stops while clients connect and others are connected and silent', async () => {
  const gateway = await startTestGateway()
  const token = await gateway.token()
  const { hostname, port } = new URL(gateway.url)
  const silent = connect(Number(port), hostname)
  await once(silent, 'connect')
  const clients = Array.from({ length: 200 }, () =>
    StreamClient.open(gateway.streamUrl, token).then(
      () => 'connected',
      () => 'refused',
    ),
  )
  expect(await Promise.race(clients)).toBe('connected')
  await gateway.stop()
  expect(new Set(await Promise.all(clients))).toContain('refused')
  if (!silent.destroyed) await once(silent, 'close')
})
