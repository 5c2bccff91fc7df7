import { expect, test } from 'vitest'
import { transportNames } from '../../../src/session/transport.ts'
import { PayloadMemory } from '../../../src/wire/payload-memory.ts'
import { type Framing, Payload } from '../../../src/wire/payload.ts'
import { maxFrameBytes } from '../../../src/wire/wire-form.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { message, messageText, type TransportUnderTest } from './transport-under-test.ts'

type Open = () => Promise<TransportUnderTest>

async function opened(open: Open): Promise<TransportUnderTest> {
  const peer = await open()
  peer.transport.opened()
  return peer
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index)
}

/** A framing that copies, as of a transport that was first. */
const otherFraming: Framing = { frame: payload => Buffer.concat([Buffer.from('other'), payload.bytes]) }

export function deliveringSuite(open: Open): void {
  test('what it says of itself is true', async () => {
    const { transport, received, say } = await opened(open)
    const { name, maxMessageBytes, isOrdered, hasUpstream } = transport.traits
    expect(transportNames).toContain(name)
    expect(isOrdered).toBe(true)
    expect(say !== undefined).toBe(hasUpstream)
    if (say !== undefined) expect(await say('hello')).toBe('hello')
    const bytes = Math.min(maxMessageBytes, 3_000_000)
    expect(bytes).toBeGreaterThanOrEqual(maxFrameBytes)
    const longest = message(1, bytes - messageText(1).length)
    expect(longest.length).toBe(bytes)
    transport.write(longest)
    await waitUntil(() => received.length === 1, 'the longest message')
    expect(received[0]).toBe(longest.bytes.toString())
  })

  test('delivers messages of every length whole and in order', async () => {
    const { transport, received } = await opened(open)
    const lengths = [0, 1, 60, 61, 62, 90, 125, 126, 127, 1000, 65_400, 65_535, 65_536, 65_537, 200_000]
    const sent = Array.from({ length: 300 }, (_, index) =>
      messageText(index, lengths[index % lengths.length]),
    )
    for (const text of sent) {
      const payload = new Payload('text', Buffer.byteLength(text))
      payload.buffer.write(text, payload.start)
      await waitUntil(() => transport.hasRoom, 'room')
      expect(transport.write(payload)).not.toBe('congested')
    }
    await waitUntil(() => received.length === sent.length, 'all messages')
    expect(received).toEqual(sent)
  })

  test('delivers one payload to several connections, also after another transport framed it', async () => {
    const peers = [await opened(open), await opened(open), await opened(open)]
    const shared = message(1, 2000)
    shared.share({ plain: 0, compressed: 0 })
    const framedBefore = message(2, 70_000)
    const other = framedBefore.framed(otherFraming)
    const copy = Buffer.from(other)
    for (const { transport } of peers)
      for (const each of [shared, framedBefore, shared]) transport.write(each)
    for (const { received } of peers) {
      await waitUntil(() => received.length === 3, 'three messages')
      expect(received).toEqual([messageText(1, 2000), messageText(2, 70_000), messageText(1, 2000)])
    }
    expect(other.equals(copy)).toBe(true)
  })

  test('says what it has taken: its memory may be used again', async () => {
    const memory = new PayloadMemory()
    const peer = await opened(open)
    const { transport, received } = peer
    const sent: string[] = []
    let taken = 0
    for (const index of numbers(600)) {
      if (index === 200) peer.pause()
      if (index === 500) peer.resume()
      const text = messageText(index, 20_000)
      const payload = new Payload('text', text.length, memory)
      payload.buffer.write(text, payload.start)
      const written = transport.write(payload)
      if (written !== 'congested') sent.push(text)
      if (written === 'written') memory.keep()
      if (written === 'taken') taken++
      memory.reuse()
      if (index < 200) await waitUntil(() => transport.unsentBytes === 0, 'the bytes to be sent')
    }
    peer.resume()
    await waitUntil(() => received.length === sent.length, 'all messages')
    expect(received).toEqual(sent)
    expect(taken).toBeGreaterThan(0)
  })

  test('counts messages and their bytes, without headers and before compression', async () => {
    const { transport, received } = await opened(open)
    const before = { ...transport.written }
    const payloads = numbers(20).map(index => message(index, index * 500))
    for (const payload of payloads) {
      payload.share({ plain: 0, compressed: 0 })
      transport.write(payload)
    }
    await waitUntil(() => received.length === payloads.length, 'all messages')
    expect(transport.written.frames - before.frames).toBe(payloads.length)
    expect(transport.written.bytes - before.bytes).toBe(payloads.reduce((sum, { length }) => sum + length, 0))
  })

  test('what was written before the opening comes first, in order, and the opening counts once', async () => {
    const { transport, received } = await open()
    for (const index of numbers(3)) transport.write(message(index, 100))
    transport.opened()
    transport.write(message(3))
    transport.opened()
    transport.write(message(4))
    await waitUntil(() => received.length === 5, 'all messages')
    expect(received).toEqual(numbers(5).map(index => messageText(index, index < 3 ? 100 : 0)))
  })
}
