import { expect, test } from 'vitest'
import { RawPeer } from './raw-peer.ts'
import { attackedGateway, payloadMark } from './attacked-gateway.ts'

const attacked = attackedGateway()
const attackerAddress = '127.0.6.1'
const trade = '{"T":"t","S":"A","p":1,"s":1,"t":"2026-01-02T14:30:00Z"}'

/** A `POST /v1/events`, up to the end of its head. */
async function postHead(...headers: readonly string[]): Promise<string> {
  const token = await attacked().issuer.token()
  const lines = ['POST /v1/events HTTP/1.1', 'Host: localhost', `Authorization: Bearer ${token}`]
  return [...lines, 'Content-Type: application/json', ...headers, '', ''].join('\r\n')
}

/** Sends bytes at once, and resolves with everything that is answered until the connection ends. */
async function answerTo(text: string): Promise<string> {
  const peer = await RawPeer.connect(attacked(), attackerAddress)
  peer.send(Buffer.from(text, 'latin1'))
  return await peer.gone()
}

const countOf = (answer: string, status: number): number => answer.split(`HTTP/1.1 ${status} `).length - 1
const chunked = 'Transfer-Encoding: chunked'
const smuggled = 'GET /v1/symbols HTTP/1.1\r\nHost: localhost\r\n\r\n'

test.each<[string, readonly string[], string]>([
  ['Content-Length beside Transfer-Encoding', ['Content-Length: 4', chunked], `0\r\n\r\n${smuggled}`],
  ['two Content-Lengths', ['Content-Length: 0', `Content-Length: ${smuggled.length}`], smuggled],
  ['a list of Content-Lengths', [`Content-Length: 0, ${smuggled.length}`], smuggled],
  ['a Content-Length with a sign', ['Content-Length: +0'], smuggled],
  ['a negative Content-Length', ['Content-Length: -1'], smuggled],
  ['a hexadecimal Content-Length', ['Content-Length: 0x10'], smuggled],
  ['a space before the colon', ['Transfer-Encoding : chunked', 'Content-Length: 0'], `0\r\n\r\n${smuggled}`],
  ['a coding after chunked', ['Transfer-Encoding: chunked, identity'], `0\r\n\r\n${smuggled}`],
  ['a coding that is none', ['Transfer-Encoding: xchunked'], `0\r\n\r\n${smuggled}`],
  ['chunked twice', [chunked, chunked], `0\r\n\r\n${smuggled}`],
  ['a folded header', ['Transfer-Encoding:', ' chunked', 'Content-Length: 0'], `0\r\n\r\n${smuggled}`],
  ['a chunk size that is none', [chunked], `-1\r\n${smuggled}`],
  ['a chunk size beyond all numbers', [chunked], `fffffffffffffffff\r\n${smuggled}`],
  ['a chunk longer than its size', [chunked], `1\r\n{}}\r\n0\r\n\r\n${smuggled}`],
  ['a line end within a header', ['X: a\nTransfer-Encoding: chunked'], `0\r\n\r\n${smuggled}`],
  ['a zero byte within a header', ['X: a\0b'], smuggled],
])('%s: 400, and what follows is not taken for a request', async (_, headers, rest) => {
  const answer = await answerTo((await postHead(...headers)) + rest)

  expect(countOf(answer, 400)).toBe(1)
  // Without a token, the smuggled request would be answered with 401.
  expect(countOf(answer, 401)).toBe(0)
})

test.each<[string, string]>([
  ['a header of 100 kB', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${payloadMark.repeat(5000)}\r\n\r\n`],
  ['10,000 headers', `GET / HTTP/1.1\r\nHost: localhost\r\n${'X: y\r\n'.repeat(10_000)}\r\n`],
  ['a URL of 100 kB', `GET /${payloadMark.repeat(5000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`],
])('%s: 431', async (_, text) => {
  expect(countOf(await answerTo(text), 431)).toBe(1)
})

test('10,000 pipelined requests are all answered, in turns', async () => {
  const count = 10_000
  const last = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
  const answer = await answerTo(smuggled.repeat(count) + last)

  expect(countOf(answer, 401)).toBe(count)
})

/**
 * Cause: the requests of all connections waited in one line, however many a connection had sent, and it was
 * read on all the same.
 * Symptom: ten connections without a token that sent 50,000 requests each kept everybody waiting for 10 s,
 * and took 1 GB.
 * Seen: by this attack.
 */
test('500,000 pipelined requests, whose answers nobody reads, hold up only themselves', async () => {
  const peers = await Promise.all(
    Array.from({ length: 10 }, () => RawPeer.connect(attacked(), attackerAddress)),
  )
  for (const peer of peers) {
    peer.socket.pause()
    peer.send(smuggled.repeat(50_000))
  }
  const { newClientMs } = await attacked().checkImpact()
  for (const peer of peers) peer.leave()

  expect(newClientMs).toBeLessThan(5000)
})

/**
 * Cause: what the bodies of all requests under way may come to together was one budget for everybody.
 * Symptom: 64 connections of one user that send their bodies slowly had every other publisher refused with
 * 503.
 * Seen: by this attack.
 */
test('slow bodies of one user do not keep others from publishing', async () => {
  const head = await postHead('Content-Length: 1000000')
  const peers = await Promise.all(
    Array.from({ length: 200 }, () => RawPeer.connect(attacked(), attackerAddress)),
  )
  for (const peer of peers) peer.send(`${head}[${' '.repeat(500)}`)
  await expect.poll(() => peers.filter(peer => countOf(peer.text, 429) === 1).length).toBeGreaterThan(100)
  await attacked().checkImpact()
  for (const peer of peers) peer.leave()
})

test('bodies that promise and then leave are forgotten', async () => {
  const head = await postHead('Content-Length: 1000000')
  for (let round = 0; round < 20; round += 1) {
    const peers = await Promise.all(
      Array.from({ length: 20 }, () => RawPeer.connect(attacked(), attackerAddress)),
    )
    for (const peer of peers) peer.send(`${head}[`)
    for (const peer of peers) peer.leave()
  }
  const answer = await answerTo(
    (await postHead(`Content-Length: ${trade.length}`, 'Connection: close')) + trade,
  )

  expect(countOf(answer, 200)).toBe(1)
})
