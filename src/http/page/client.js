import { show, status } from './table.js'
const { content: token } = document.querySelector('meta[name=ticker-token]')
const answers = {
  connected: { action: 'auth', token },
  authenticated: { action: 'subscribe', trades: ['*'], quotes: ['*'], snapshot: true },
}
const receive = {
  success: ({ msg }, socket) => socket.send(JSON.stringify(answers[msg])),
  snapshot: ({ events }) => events.forEach(event => receive[event.T](event)),
  t: ({ S, p, s, t }) => show(S, { price: p, size: s, time: t }),
  q: ({ S, bp, ap }) => show(S, { bid: bp, ask: ap }),
  heartbeat: ({ t, agesMs, source = 'live' }) =>
    status(`${source}, ${t.slice(11, 19)} UTC; last trade ${agesMs.trades} ms ago`),
  error: ({ code, msg, detail }) => status(`error ${code} ${msg}: ${detail}`),
}
function connect() {
  const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/v1/stream`)
  socket.onmessage = ({ data }) => JSON.parse(data).forEach(message => receive[message.T]?.(message, socket))
  socket.onclose = ({ code, reason }) => {
    status(`closed: ${code} ${reason}`)
    if (code < 4500) setTimeout(connect, 1000 + 2000 * Math.random())
  }
}
connect()
