/** What ws exports and its published types lack. */
import 'ws'

declare module 'ws' {
  /** The parameters of one offer of an extension; `true` is one without a value, and each is there as often as it was written. */
  export type ExtensionOffer = Record<string, (string | true)[]>

  export const extension: {
    /** Reads `Sec-WebSocket-Extensions` (RFC 6455 §9.1). Throws a `SyntaxError`. */
    parse(header: string): Record<string, ExtensionOffer[]>
    format(extensions: Record<string, ExtensionOffer[]>): string
  }
}
