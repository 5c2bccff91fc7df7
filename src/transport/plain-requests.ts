import type { FastifyInstance } from 'fastify'
import { admissionRefusals, type HandshakeRefusalCounts, refuseRequest } from './admission.ts'
import type { HandshakeAdmission, PlainRefusal } from './handshake-admission.ts'

export const plainRefusalReasons = ['address', 'silence'] as const satisfies readonly PlainRefusal[]

export interface PlainRequestOptions {
  readonly admission: HandshakeAdmission
  /** Recognises trusted proxies, whose connections are of many clients; none if left out. */
  readonly isProxy?: ((address: string) => boolean) | undefined
  /** Counts the connections that were refused. */
  readonly refusals: HandshakeRefusalCounts<PlainRefusal>
}

/** Limits how many connections of an address ask by plain HTTP. */
export function limitPlainRequests(
  app: FastifyInstance,
  { admission, isProxy, refusals }: PlainRequestOptions,
): void {
  app.addHook('onRequest', async ({ ws, raw: { socket } }, reply) => {
    const { remoteAddress = '' } = socket
    if (ws || isProxy?.(remoteAddress) === true) return
    const refusal = await admission.admitPlain(socket, remoteAddress)
    if (refusal === undefined) return
    refusals[refusal]++
    await refuseRequest(reply.header('connection', 'close'), admissionRefusals[refusal])
  })
}
