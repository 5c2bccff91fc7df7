// uWebSockets.js: a topic for each symbol. Plain JavaScript without our imports: it runs under an older Node.
import { createRequire } from 'node:module'

const [, , entry, emission] = process.argv
const require = createRequire(import.meta.url)
const uws = require(entry)
if (!String(uws.App).includes('[native code]')) {
  throw new Error(`${entry}: only its imitation in JavaScript was loaded under Node ${process.versions.node}`)
}

const app = uws.App().ws('/*', {
  idleTimeout: 0,
  maxBackpressure: 64 * 1024 * 1024,
  upgrade(response, request, context) {
    const symbols = request.getQuery('symbols').split(',')
    response.upgrade(
      { symbols },
      request.getHeader('sec-websocket-key'),
      request.getHeader('sec-websocket-protocol'),
      request.getHeader('sec-websocket-extensions'),
      context,
    )
  },
  open(webSocket) {
    const { symbols } = webSocket.getUserData()
    for (const symbol of symbols) webSocket.subscribe(symbol)
    webSocket.subscribe(symbols.join())
  },
})

let deliveries = []

const functions = {
  listen: () =>
    new Promise((resolve, reject) => {
      app.listen('127.0.0.1', 0, socket => {
        if (socket) resolve(uws.us_socket_local_port(socket))
        else reject(new Error('it does not listen'))
      })
    }),
  prepare(batches) {
    deliveries = batches.map(batch => prepare(batch))
  },
  run: emitPaced,
}

function prepare(batch) {
  if (emission !== 'event') {
    const whole = Buffer.from(`[${batch.map(({ text }) => text).join(',')}]`)
    return () => app.publish(emission, whole)
  }
  const messages = batch.map(({ symbol, text }) => [symbol, Buffer.from(text)])
  return () => {
    for (const [symbol, text] of messages) app.publish(symbol, text)
  }
}

async function emitPaced(intervalMs) {
  const begunUs = monotonicUs()
  const startsUs = new Float64Array(deliveries.length)
  for (const [index, deliver] of deliveries.entries()) {
    const leftMs = (begunUs - monotonicUs()) / 1000 + index * intervalMs
    await new Promise(resolve => setTimeout(resolve, Math.max(0, Math.ceil(leftMs))))
    startsUs[index] = monotonicUs()
    deliver()
  }
  return startsUs
}

function monotonicUs() {
  return Number(process.hrtime.bigint() / 1000n)
}

process.on('message', async ({ id, name, parameters }) => {
  try {
    process.send({ id, result: await functions[name](...parameters) })
  } catch (error) {
    process.send({ id, fault: String(error) })
  }
})
process.on('disconnect', () => process.exit())
process.on('SIGINT', () => undefined)
