import type { Duplex } from 'node:stream'
import { setImmediate as nextLoopTurn } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'
import type { MarketEvent } from '../../../src/event/event.ts'
import { plainFraming } from '../../../src/transport/websocket/websocket-framing.ts'
import { textPayload } from '../../../src/wire/payload.ts'
import { startBareStream } from '../../support/bare-stream.ts'

// Run by `allocation.test.ts`: serves subscribers and measures, on its message, what a delivery allocates.
const subscribers = 100
const flushesPerRound = 200
/** Unoptimised code allocates more: the first rounds are not counted. */
const warmUpRounds = 12
const rounds = 25

const { app, feed, url } = await startBareStream({ maxUnsentBytes: 2 ** 26 })
const sockets: Duplex[] = []
app.server.on('upgrade', (_request, socket) => sockets.push(socket))
process.send?.({ url })

process.once('message', () => {
  void measure().then(result => process.send?.(result))
})

const event: MarketEvent = {
  T: 't',
  S: 'AAPL',
  i: 1,
  x: 'D',
  p: 126.55,
  s: 1,
  t: '2021-02-22T15:51:44.208Z',
  c: ['@'],
  z: 'C',
}

function deliver(): void {
  feed.add(event, { partition: 0, offset: 0, writtenMs: 0 })
  feed.flush()
}

const frame = textPayload(JSON.stringify([event])).framed(plainFraming)

function writeBare(): void {
  for (const socket of sockets) socket.write(frame)
}

/** Bytes allocated on this isolate's heap per delivery. */
async function allocatedBy(flush: () => void): Promise<number> {
  const before = getHeapStatistics().total_allocated_bytes
  for (let count = 0; count < flushesPerRound; count++) {
    flush()
    await nextLoopTurn()
  }
  return (getHeapStatistics().total_allocated_bytes - before) / (flushesPerRound * subscribers)
}

async function measure(): Promise<object> {
  if (sockets.length !== subscribers)
    throw new Error(`${sockets.length} subscribers, expected ${subscribers}`)
  const delivered: number[] = []
  const bare: number[] = []
  for (let round = -warmUpRounds; round < rounds; round++) {
    const both = [await allocatedBy(deliver), await allocatedBy(writeBare)] as const
    if (round < 0) continue
    delivered.push(both[0])
    bare.push(both[1])
  }
  return { delivered: median(delivered), bare: median(bare), deliveries: feed.fanOut.counts.deliveries }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
