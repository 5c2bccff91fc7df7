import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { startTestGateway } from '../support/gateway.ts'
import { post, trade } from './publish/post.ts'

/**
 * Cause: Node hands a request that asks for an upgrade to whoever takes upgrades, which is the WebSocket
 * server, without its body.
 * Symptom: a POST of Java's HttpClient, which offers HTTP/2 with every first request, waited for its body
 * until it was refused.
 * Seen: in a review of what happens to headers that only WebSocket clients should send.
 */
test.each(['h2c', 'websocket'])(
  'a request that offers to upgrade to %s is taken as it is',
  async protocol => {
    const gateway = await startTestGateway()
    onTestFinished(() => gateway.stop())
    const headers = {
      authorization: `Bearer ${await gateway.token({ scopes: ['publish'] })}`,
      'content-type': 'application/json',
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: protocol,
      'http2-settings': 'AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA',
    }
    const request = httpRequest(`${gateway.url}/v1/events`, { method: 'POST', headers })
    request.end(JSON.stringify(trade('AAPL', 1)))
    const [response] = await once(request, 'response')

    expect(response.statusCode).toBe(200)
    response.resume()
  },
)

test('a gateway that stops answers the requests it has begun, and refuses new ones', async () => {
  const gateway = await startTestGateway({ TICKER_DRAIN_MS: '10000' })
  const token = await gateway.token({ scopes: ['publish'] })
  const { hostname, port } = new URL(gateway.url)
  const socket = connect(Number(port), hostname).setEncoding('utf8')
  const body = JSON.stringify(trade('AAPL', 1))
  const head = [
    'POST /v1/events HTTP/1.1',
    'Host: gateway',
    `Authorization: Bearer ${token}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ].join('\r\n')
  socket.write(`${head}\r\nExpect: 100-continue\r\n\r\n`)
  // Node says so when it hands the request over.
  await once(socket, 'data')
  const stopped = gateway.stop()

  expect((await post(gateway.url, { token, body })).status).toBe(503)
  socket.write(body)
  expect(String(await once(socket, 'data'))).toMatch(/^HTTP\/1\.1 200 [^]*"position":0/)
  await stopped
})

test('metrics tell what became of requests and events', async () => {
  const gateway = await startTestGateway()
  onTestFinished(() => gateway.stop())
  const token = await gateway.token({ scopes: ['publish'] })
  await post(gateway.url, { token, body: JSON.stringify([trade('AAPL', 1), trade('AAPL', 2)]) })
  await post(gateway.url, { token, body: JSON.stringify([trade('AAPL', 1), { T: 't' }, 5]) })
  await post(gateway.url, { token: undefined, body: '' })
  await post(gateway.url, { method: 'DELETE' })
  const names = [
    'ticker_publish_requests_total{status="200"}',
    'ticker_publish_requests_total{status="422"}',
    'ticker_publish_requests_total{status="401"}',
    'ticker_publish_requests_total{status="405"}',
    'ticker_published_events_total',
    'ticker_publish_refused_events_total{reason="invalid"}',
    'ticker_publish_pending_events',
  ]

  expect(await Promise.all(names.map(name => gateway.metric(name)))).toEqual([1, 1, 1, 1, 2, 3, 0])
})
