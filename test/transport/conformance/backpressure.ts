import { expect, test } from 'vitest'
import { waitUntil } from '../../support/wait-until.ts'
import { message, messageText, testLimits, type TransportUnderTest } from './transport-under-test.ts'

type Open = () => Promise<TransportUnderTest>

const limitBytes = 100_000

/** Writes messages, numbered on from `from`, until nothing more is taken. Returns the next number. */
function fill({ transport }: TransportUnderTest, from: number, maxUnsentBytes?: number): number {
  for (let number = from; number < 10_000; number++)
    if (transport.write(message(number, 60_000), maxUnsentBytes) === 'congested') return number
  throw new Error('a peer that reads nothing takes 600 MB')
}

async function full(open: Open): Promise<{ readonly peer: TransportUnderTest; readonly count: number }> {
  const peer = await open()
  peer.transport.opened()
  peer.pause()
  let count = 0
  let former = -1
  // The kernel takes megabytes before the rest stays in the process.
  await waitUntil(() => {
    count = fill(peer, count, limitBytes)
    const isStill = former === peer.transport.signsOfLife
    former = peer.transport.signsOfLife
    return isStill
  }, 'the kernel to be full')
  return { peer, count }
}

export function backpressureSuite(open: Open): void {
  test('writes nothing while more than the limit is unsent, its own limit if none is given', async () => {
    const { peer, count } = await full(open)
    const { transport } = peer
    expect(transport.unsentBytes).toBeGreaterThan(limitBytes)
    expect(transport.unsentBytes).toBeLessThan(limitBytes + 200_000)
    expect(transport.hasRoom).toBe(false)
    const before = { ...transport.written }
    expect(transport.write(message(-1), limitBytes)).toBe('congested')
    expect(transport.written).toEqual(before)
    const end = fill(peer, count)
    expect(transport.unsentBytes).toBeGreaterThan(testLimits.maxUnsentBytes)
    peer.resume()
    const { received } = peer
    await waitUntil(() => received.length === end, 'what was written')
    const numbers = received.map(text => (JSON.parse(text) as [{ number: number }])[0].number)
    expect(numbers).toEqual(Array.from({ length: end }, (_, index) => index))
  })

  test('tells when there is room again', async () => {
    const { peer, count } = await full(open)
    const { transport, received } = peer
    let hadRoom: boolean | undefined
    transport.onDrain(() => (hadRoom ??= transport.hasRoom))
    expect(hadRoom).toBeUndefined()
    peer.resume()
    await waitUntil(() => hadRoom !== undefined, 'room')
    expect(hadRoom).toBe(true)
    transport.write(message(count))
    await waitUntil(() => received.length === count + 1, 'the message after the others')
    expect(received.at(-1)).toBe(messageText(count))
    expect(transport.unsentBytes).toBe(0)
  })

  test('shows signs of life only of a peer that reads', async () => {
    const { peer, count } = await full(open)
    const { transport } = peer
    const before = transport.signsOfLife
    expect(transport.write(message(count))).not.toBe('congested')
    expect(transport.signsOfLife).toBe(before)
    peer.resume()
    await waitUntil(() => transport.unsentBytes === 0, 'the peer to read')
    expect(transport.signsOfLife).not.toBe(before)
  })
}
