import type { CloseReason } from '../../../src/protocol/close-reason.ts'
import { JsonForm } from '../../../src/wire/json/json-form.ts'
import type { Farewell, Transport } from '../../../src/session/transport.ts'
import { type Payload, textPayload } from '../../../src/wire/payload.ts'

/** How a connection ended for its peer. */
export interface PeerEnd {
  /** The reason that the transport gave; `undefined` if the connection broke, or had not opened. */
  readonly reason: CloseReason | undefined
  /** What the peer was told last, however the transport says it: the text of an error. */
  readonly told: string
}

/** A transport over a real connection, and the peer at its other end, which reads unless it is paused. */
export interface TransportUnderTest {
  readonly transport: Transport
  /** The payloads that the peer has received, in order, as text; none of the transport's own words. */
  readonly received: readonly string[]
  /** The peer reads nothing, until `resume`. */
  readonly pause: () => void
  readonly resume: () => void
  /** The peer's machine is gone. */
  readonly cut: () => void
  /** Resolves to how the connection ended, as the peer sees it. */
  readonly ended: Promise<PeerEnd>
  /** Resolves when nothing is left of the connection on the side of the gateway. */
  readonly gone: Promise<void>
  /** The peer says something. Resolves to what came; absent where there is no upstream. */
  readonly say?: (text: string) => Promise<string>
  /** Ends both sides. */
  readonly close: () => Promise<void>
}

export interface TransportLimits {
  readonly maxUnsentBytes: number
  readonly closeTimeoutMs: number
}

/** Opens a connection. `Transport.opened` has not been called yet. */
export type OpenTransport = (limits: TransportLimits) => Promise<TransportUnderTest>

/** As in production, but for the time that a peer has: a test waits for it. */
export const testLimits: TransportLimits = { maxUnsentBytes: 4_194_304, closeTimeoutMs: 2000 }

/** A message of at least so many bytes, as every session sends them: an array of JSON. */
export function messageText(number: number, bytes = 0): string {
  return JSON.stringify([{ T: 'test', number, padding: 'x'.repeat(bytes) }])
}

export function message(number: number, bytes = 0): Payload {
  return textPayload(messageText(number, bytes))
}

const jsonForm = new JsonForm()

export function farewell(detail: string): Farewell {
  const fault = { code: 407, detail } as const
  return { fault, payload: jsonForm.message({ kind: 'error', fault }) }
}
