import { createServer } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'
import { listenOnFreePort } from '../../../lib/child.ts'
import { type PeerProgram, servePeer, Subscribers } from './peer-program.ts'

// The obvious server with `ws`: an event is made JSON once and sent to each of its subscribers.

const subscribers = new Subscribers<WebSocket>()

const program: PeerProgram = {
  async listen() {
    const server = createServer()
    new WebSocketServer({ server }).on('connection', (webSocket, request) => {
      const symbols = new URL(request.url ?? '', 'ws://localhost').searchParams.get('symbols') ?? ''
      webSocket.on('close', subscribers.add(webSocket, symbols))
    })
    return await listenOnFreePort(server)
  },

  prepare(batch) {
    const events = batch.map(({ symbol, text }) => ({ symbol, event: JSON.parse(text) as unknown }))
    return () => {
      for (const { symbol, event } of events) {
        const text = JSON.stringify(event)
        for (const webSocket of subscribers.of(symbol)) webSocket.send(text)
      }
    }
  },
}

servePeer(program)
