/** Adds an export of ws that its published types lack. */
import 'ws'

declare module 'ws' {
  /** The parameters of one offer of an extension, each with its values in order; `true`: without a value. */
  export type ExtensionOffer = Record<string, (string | true)[]>

  export const extension: {
    /** Reads `Sec-WebSocket-Extensions` (RFC 6455 §9.1). Throws a `SyntaxError`. */
    parse(header: string): Record<string, ExtensionOffer[]>
    format(extensions: Record<string, ExtensionOffer[]>): string
  }
}
