import { expect, test } from 'vitest'
import { closeReasons } from '../../../src/protocol/close-reason.ts'
import { waitUntil } from '../../support/wait-until.ts'
import { farewell, message, messageText, type OpenTransport, testLimits } from './transport-under-test.ts'

export function endingSuite(open: OpenTransport): void {
  test.each(closeReasons)('%s reaches the peer, after what was written and the farewell', async reason => {
    const { transport, received, ended, gone } = await open(testLimits)
    transport.opened()
    transport.write(message(1))
    const last = farewell(`because of ${reason}`)
    transport.close(reason, last)
    expect(await ended).toEqual({ reason, told: `because of ${reason}` })
    expect(received).toEqual([messageText(1), last.payload?.bytes.toString()])
    await gone
  })

  test('ends without a farewell, and once', async () => {
    const { transport, received, ended } = await open(testLimits)
    transport.opened()
    transport.close('draining')
    transport.close('tooSlow', farewell('too late'))
    expect(transport.write(message(1))).not.toBe('congested')
    expect(await ended).toMatchObject({ reason: 'draining' })
    expect(received).toEqual([])
  })

  test('sends the farewell however much is unsent', async () => {
    const { transport, received, pause, resume, ended } = await open(testLimits)
    transport.opened()
    pause()
    let count = 0
    while (transport.write(message(count, 60_000), 200_000) !== 'congested') count++
    transport.close('tooSlow', farewell('you do not read'))
    resume()
    expect(await ended).toEqual({ reason: 'tooSlow', told: 'you do not read' })
    expect(received).toHaveLength(count + 1)
  })

  test('gives up on a peer that does not take its farewell', async () => {
    const { transport, pause, gone } = await open({ ...testLimits, closeTimeoutMs: 100 })
    transport.opened()
    pause()
    while (transport.write(message(0, 60_000), 200_000) !== 'congested');
    transport.close('tooSlow', farewell('you do not read'))
    await expect(gone).resolves.toBeUndefined()
  })

  test('a session that ends before it has opened tells why', async () => {
    const { transport, ended, gone } = await open(testLimits)
    transport.write(message(1))
    transport.close('unauthorized', farewell('the token was refused'))
    expect((await ended).told).toContain('the token was refused')
    await gone
  })

  test('a peer that is gone in the midst of writes does no harm', async () => {
    const { transport, pause, cut, gone } = await open(testLimits)
    transport.opened()
    pause()
    for (let index = 0; index < 50; index++) transport.write(message(index, 60_000))
    cut()
    for (let index = 0; index < 50; index++) transport.write(message(index, 60_000))
    await gone
    expect(transport.write(message(0))).not.toBe('written')
    transport.close('unreachable', farewell('nobody hears this'))
    await waitUntil(() => transport.unsentBytes === 0, 'the queue to be given up')
  })
}
