import { createServer } from 'node:http'
import { pathToFileURL } from 'node:url'
import { listenOnFreePort } from '../../../lib/child.ts'
import { type PeerProgram, servePeer } from './peer-program.ts'

// Socket.IO with a room for each symbol: an emit for each event, or one for a symbol's events of a batch.

/** What we use of socket.io, which lies in a folder of its own and not among our packages. */
interface SocketIo {
  on(event: 'connection', listener: (socket: RoomSocket) => void): void
  to(room: string): { emit(event: string, message: unknown): boolean }
}

interface RoomSocket {
  readonly handshake: { readonly query: Readonly<Record<string, unknown>> }
  join(rooms: string | readonly string[]): void
}

interface SocketIoModule {
  readonly Server: new (server: object, options: object) => SocketIo
}

const [entry = '', emission = ''] = process.argv.slice(2)
const { Server } = (await import(pathToFileURL(entry).href)) as SocketIoModule
const http = createServer()
const io = new Server(http, { transports: ['websocket'] })

io.on('connection', socket => {
  const symbols = String(socket.handshake.query['symbols']).split(',')
  // Who has the same symbols is in one more room, so that a batch for all of them can be one emit.
  socket.join([...symbols, symbols.join()])
})

const program: PeerProgram = {
  listen: () => listenOnFreePort(http),

  prepare(batch) {
    const events = batch.map(({ symbol, text }) => ({ symbol, event: JSON.parse(text) as unknown }))
    if (emission === 'event')
      return () => {
        for (const { symbol, event } of events) io.to(symbol).emit('event', event)
      }
    const room = emission === 'batch' ? undefined : emission
    const groups = [...Map.groupBy(events, ({ symbol }) => room ?? symbol)]
    const emits = groups.map(([to, group]) => ({ to, list: group.map(({ event }) => event) }))
    return () => {
      for (const { to, list } of emits) io.to(to).emit('events', list)
    }
  },
}

servePeer(program)
