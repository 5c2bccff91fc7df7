import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { startBareStream } from '../../support/bare-stream.ts'
import { collect } from '../../support/collected-heap.ts'
import { StreamClient } from '../../support/stream-client.ts'

/*
 * Cause: the socket held its HTTP response, and a listener of the WebSocket plugin the request and the reply.
 * Symptom: every idle session kept its handshake, headers and token included: some 4 kB of 25.
 * Seen: in a heap snapshot of 2,000 idle sessions (`npm run load -- idle`).
 */
test('a session does not keep the request of its handshake', async () => {
  const stream = await startBareStream({})
  const upgraded = once(stream.app.server, 'upgrade').then(
    ([request]: IncomingMessage[]) => new WeakRef(request!),
  )
  const client = await StreamClient.open(stream.url, 'token')
  const request = await upgraded
  await expect
    .poll(() => {
      collect()
      return request.deref() === undefined
    })
    .toBe(true)
  await client.subscribe({ trades: ['AAPL'] })
  await client.close()
  await stream.stop()
})
