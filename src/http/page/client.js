import { show, status } from './table.js'
const { content: token } = document.querySelector('meta[name=ticker-token]')
const answers = {
  connected: { action: 'auth', token },
  authenticated: { action: 'subscribe', trades: ['*'], quotes: ['*'], snapshot: true },
}
const ageOf = ms => (ms === undefined ? 'no trade yet' : `last trade ${ms} ms ago`)
const receive = {
  success: ({ msg }, socket) => {
    status(msg)
    socket.send(JSON.stringify(answers[msg]))
  },
  snapshot: ({ events }) => events.forEach(event => receive[event.T](event)),
  t: ({ S, p, s, t }) => show(S, { price: p, size: s, time: t }),
  q: ({ S, bp, ap }) => show(S, { bid: bp, ask: ap }),
  heartbeat: ({ t, agesMs, source = 'live' }) =>
    status(`${source}, ${t.slice(11, 19)} UTC; ${ageOf(agesMs.trades)}`),
  error: ({ code, msg, detail }) => status(`error ${code} ${msg}: ${detail}`),
}
function connect() {
  const socket = new WebSocket(`${location.origin.replace('http', 'ws')}/v1/stream`)
  socket.onmessage = ({ data }) => JSON.parse(data).forEach(message => receive[message.T]?.(message, socket))
  socket.onclose = ({ code, reason }) => {
    const isOver = code >= 4500
    status(`closed: ${code} ${reason}${isOver ? '' : ', reconnecting'}`)
    if (!isOver) setTimeout(connect, 1000 + 2000 * Math.random())
  }
}
connect()
