import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { drainRest, readBody } from '../../../src/http/publish/body-bytes.ts'

interface Begun {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly client: Socket
}

/** A request whose sender promises more than it has sent. */
async function beginRequest(): Promise<Begun> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
  })
  const requested = once(server, 'request')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n[')
  const [request, response] = (await requested) as [IncomingMessage, ServerResponse]
  return { request, response, client }
}

/** Its sender leaves. */
async function leave({ request, client }: Begun): Promise<void> {
  const closed = new Promise(resolve => request.socket.once('close', resolve))
  client.destroy()
  await closed
}

/**
 * Cause: an answered request tells nothing of the end of its connection, and one that has ended already does
 * not tell it again.
 * Symptom: a timer for each, so that a gateway which was stopped went on for up to 30 s; a body that nobody
 * sends any more counted for as long.
 * Seen: when 200 connections promised bodies, sent a part and left (test/security/http.test.ts).
 */
test('nothing waits for the rest of an answered request whose sender leaves', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => {
    vi.useRealTimers()
  })
  const begun = await beginRequest()
  drainRest(begun.request, 60_000)
  begun.response.end('refused')
  await once(begun.client, 'data')
  await leave(begun)

  expect(vi.getTimerCount()).toBe(0)
})

test('the body of a request whose sender has left already is not waited for', async () => {
  const begun = await beginRequest()
  await leave(begun)

  expect(await readBody(begun.request, { maxBytes: 100, timeoutMs: 60_000 })).toBe(undefined)
})
