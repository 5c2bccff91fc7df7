import { admissionReasons, createRefusalCounts, type HandshakeRefusalCounts } from './admission.ts'
import type { PlainRefusal } from './handshake-admission.ts'
import { plainRefusalReasons } from './plain-requests.ts'
import { type WebSocketRefusal, webSocketRefusalReasons } from './websocket/handshake-check.ts'

/** Refused requests since start: for sessions by transport, and `plain`, for something else by HTTP. */
export type RefusalCounts = {
  readonly websocket: HandshakeRefusalCounts<WebSocketRefusal['reason']>
  readonly sse: HandshakeRefusalCounts
  readonly plain: HandshakeRefusalCounts<PlainRefusal>
}

export function createTransportRefusals(): RefusalCounts {
  return {
    websocket: createRefusalCounts(webSocketRefusalReasons),
    sse: createRefusalCounts(admissionReasons),
    plain: createRefusalCounts(plainRefusalReasons),
  }
}
