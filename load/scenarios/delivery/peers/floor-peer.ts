import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { createFloorFrames } from './floor-frames.ts'
import { listenOnFreePort } from '../../../lib/child.ts'
import { type PeerProgram, servePeer, Subscribers } from './peer-program.ts'
import type { Batch } from '../workload.ts'

// The least that a Node server can do: frames made beforehand, written with bare `socket.write`.

const maker = createFloorFrames(process.argv[2] ?? '')
const subscribers = new Subscribers<Socket>()

const program: PeerProgram = {
  listen: pairFile => listenOnFreePort(createFloor(pairFile)),

  prepare(batch) {
    const writes = writesOf(batch)
    return () => {
      for (const [socket, frame] of writes) socket.write(frame)
    }
  },
}

/** The frame of each socket that wants some of a batch; those that want the same share one. */
function writesOf(batch: Batch): readonly (readonly [Socket, Buffer])[] {
  const wanted = new Map<Socket, number[]>()
  for (const [index, { symbol }] of batch.entries()) {
    for (const socket of subscribers.of(symbol)) {
      const indices = wanted.get(socket)
      if (indices === undefined) wanted.set(socket, [index])
      else indices.push(index)
    }
  }
  const frameOf = maker.take(batch)
  const frames = new Map<string, Buffer>()
  return [...wanted].map(([socket, indices]) => {
    const key = indices.join()
    const frame = frames.get(key) ?? frameOf(indices)
    frames.set(key, frame)
    return [socket, frame] as const
  })
}

function createFloor(pairFile: string | undefined): Server {
  if (pairFile === undefined) return createServer({ noDelay: true }, upgrade)
  const pair = readFileSync(pairFile)
  return createTlsServer({ key: pair, cert: pair, noDelay: true }, upgrade)
}

/** Answers the opening handshake (RFC 6455 §4.2.2) and says what the form begins with; nothing after it. */
function upgrade(socket: Socket): void {
  socket.on('error', () => undefined)
  socket.once('data', (head: Buffer) => {
    const text = head.toString('latin1')
    const [, symbols = ''] = /^GET \S*[?&]symbols=(\S*) /.exec(text) ?? []
    const [, key = ''] = /^Sec-WebSocket-Key: (\S+)/im.exec(text) ?? []
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    const opening = maker.opening()
    if (opening !== undefined) socket.write(opening)
    socket.once('close', subscribers.add(socket, symbols))
    socket.resume()
  })
}

servePeer(program)
