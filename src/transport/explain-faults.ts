import type { FastifyInstance } from 'fastify'

/** What `ws` closes with by itself, for what a peer has sent; without a reason, unless there is one here. At most 123 bytes each. */
function faultReasons(maxMessageBytes: number): ReadonlyMap<number, string> {
  return new Map([
    [1002, 'a frame that is not as RFC 6455 has it'],
    [1007, 'a text that is not UTF-8'],
    [1008, 'a message in too many fragments'],
    [1009, `a message of more than ${maxMessageBytes} bytes; sent again, it ends the connection again`],
  ])
}

/** Makes the WebSockets of a server say why they close for what their peer has sent. */
export function explainFaults(
  { options }: FastifyInstance['websocketServer'],
  maxMessageBytes: number,
): void {
  const { WebSocket } = options
  if (WebSocket === undefined) return
  const reasons = faultReasons(maxMessageBytes)
  options.WebSocket = class StreamSocket extends WebSocket {
    override close(code?: number, reason?: string | Buffer): void {
      super.close(code, reason ?? (code === undefined ? undefined : reasons.get(code)))
    }
  }
}
