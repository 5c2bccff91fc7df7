import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'

/** The head of a WebSocket handshake, without the empty line at its end. */
export const handshakeHead = [
  'GET /v1/stream HTTP/1.1',
  'Host: localhost',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
].join('\r\n')

/**
 * Sends bytes to a server, and resolves with what it answers until it ends the connection or has sent what
 * `isEnough` waits for.
 */
export async function exchange(
  url: string,
  text: string,
  isEnough: (answer: string) => boolean = () => false,
): Promise<string> {
  const { hostname: host, port, protocol } = new URL(url)
  const isTls = protocol === 'https:' || protocol === 'wss:'
  const address = { host, port: Number(port) }
  const socket = isTls ? connectTls({ ...address, rejectUnauthorized: false }) : connect(address)
  let answer = ''
  socket.setEncoding('latin1')
  socket.on('error', () => undefined)
  socket.on('data', (chunk: string) => {
    answer += chunk
    if (isEnough(answer)) socket.destroy()
  })
  socket.write(text, 'latin1')
  await once(socket, 'close')
  return answer
}
