import { once } from 'node:events'
import { type WebSocket, WebSocketServer } from 'ws'
import { portOf } from '../../../lib/child.ts'
import { type PeerProgram, servePeer } from './peer-program.ts'

// The obvious server with `ws`: an event is made JSON once and sent to each of its subscribers.

const subscribers = new Map<string, Set<WebSocket>>()

const program: PeerProgram = {
  async listen() {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    server.on('connection', (webSocket, request) => {
      const symbols = new URL(request.url ?? '', 'ws://localhost').searchParams.get('symbols') ?? ''
      const own = symbols.split(',').map(setOf)
      for (const webSockets of own) webSockets.add(webSocket)
      webSocket.on('close', () => {
        for (const webSockets of own) webSockets.delete(webSocket)
      })
    })
    await once(server, 'listening')
    return portOf(server.address())
  },

  prepare(batch) {
    const events = batch.map(({ symbol, text }) => ({ symbol, event: JSON.parse(text) as unknown }))
    return () => {
      for (const { symbol, event } of events) {
        const text = JSON.stringify(event)
        for (const webSocket of subscribers.get(symbol) ?? []) webSocket.send(text)
      }
    }
  },
}

function setOf(symbol: string): Set<WebSocket> {
  const webSockets = subscribers.get(symbol) ?? new Set()
  subscribers.set(symbol, webSockets)
  return webSockets
}

servePeer(program)
