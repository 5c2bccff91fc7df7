import { expect, test } from 'vitest'
import { waitUntil } from '../../support/wait-until.ts'
import { message, messageText, testLimits, type TransportUnderTest } from './transport-under-test.ts'

type Open = () => Promise<TransportUnderTest>

const limitBytes = 100_000

/** Writes until nothing more is taken. Returns how many messages were. */
function fill({ transport }: TransportUnderTest, maxUnsentBytes?: number): number {
  for (let count = 0; count < 10_000; count++)
    if (transport.write(message(count, 60_000), maxUnsentBytes) === 'congested') return count
  throw new Error('a peer that reads nothing takes 600 MB')
}

async function full(open: Open): Promise<{ readonly peer: TransportUnderTest; readonly count: number }> {
  const peer = await open()
  peer.transport.opened()
  peer.pause()
  return { peer, count: fill(peer, limitBytes) }
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
    const more = fill(peer)
    expect(transport.unsentBytes).toBeGreaterThan(testLimits.maxUnsentBytes)
    peer.resume()
    const { received } = peer
    await waitUntil(() => received.length === count + more, 'what was written')
    expect(received.map(text => (JSON.parse(text) as [{ number: number }])[0].number)).toEqual([
      ...Array.from({ length: count }, (_, index) => index),
      ...Array.from({ length: more }, (_, index) => index),
    ])
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
    const { peer } = await full(open)
    const { transport } = peer
    // What the kernel takes of what was written already.
    let former = -1
    await waitUntil(() => {
      const isStill = former === transport.signsOfLife
      former = transport.signsOfLife
      return isStill
    }, 'the kernel to be full')
    transport.write(message(0))
    expect(transport.signsOfLife).toBe(former)
    peer.resume()
    await waitUntil(() => transport.unsentBytes === 0, 'the peer to read')
    expect(transport.signsOfLife).not.toBe(former)
  })
}
