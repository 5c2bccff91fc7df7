import fc from 'fast-check'
import { expect, test } from 'vitest'
import { clientFrame } from './frames.ts'
import { RawPeer } from './raw-peer.ts'
import { attackedGateway } from './attacked-gateway.ts'

const attacked = attackedGateway()

const frame = fc
  .record({
    content: fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes)),
      fc.constantFrom('{"action":"subscribe","trades":["*"]}', '{}', '').map(text => Buffer.from(text)),
    ),
    opcode: fc.oneof({ weight: 3, arbitrary: fc.constantFrom(0, 1, 2, 8, 9, 10) }, fc.nat(15)),
    fin: fc.boolean(),
    rsv1: fc.constantFrom(false, false, false, true),
  })
  .map(({ content, ...bits }) => clientFrame(content, bits))
const bytes = fc.oneof(
  { weight: 3, arbitrary: fc.array(frame, { maxLength: 20 }).map(frames => Buffer.concat(frames)) },
  fc.uint8Array({ maxLength: 500 }).map(noise => Buffer.from(noise)),
)
/** What RFC 6455 §7.4.1 and `PROTOCOL.md` §7 have for it. */
const codesOfServer = [1000, 1002, 1005, 1007, 1008, 1009, 4007, 4501]
/** A client's own code is echoed, if it is one that a client may send. */
const isOfClient = (code: number): boolean => code >= 3000 || [1001, 1003, 1010, 1011].includes(code)

test('whatever bytes follow the handshake, a connection goes on or ends with a protocol code', async () => {
  const odd = new Set<number>()
  let peers = 0
  const property = fc.asyncProperty(bytes, async noise => {
    peers += 1
    const peer = await RawPeer.upgraded(attacked(), `127.0.15.${1 + (peers % 250)}`, '')
    peer.send(Buffer.concat([noise, clientFrame(Buffer.from([3, 0xe8]), { opcode: 8 })]))
    peer.socket.end()
    // A frame that was announced and never comes has no answer.
    const code = (await peer.closed()) ?? 1000
    if (!codesOfServer.includes(code) && !isOfClient(code)) odd.add(code)
  })
  await fc.assert(property, { numRuns: 200 })

  expect([...odd]).toEqual([])
})
