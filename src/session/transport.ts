import type { PreparedFrame } from '../wire/prepared-frame.ts'
import type { WireForm } from '../wire/wire-form.ts'
import type { CloseCode } from '../protocol/close-code.ts'

/**
 * What became of a frame. `taken`: it has left the process, and its memory may be used again. `written`: it
 * will be sent. `congested`: nothing was written.
 */
export type Written = 'taken' | 'written' | 'congested'

/** All a session knows about the connection under it. */
export interface Transport {
  readonly form: WireForm
  /**
   * Writes a frame, unless more earlier bytes than `maxUnsentBytes` are unsent; the transport's own limit if
   * left out.
   */
  write(frame: PreparedFrame, maxUnsentBytes?: number): Written
  /** Whether the connection takes more at once; if not, the `onDrain` listener is called when it does. */
  readonly hasRoom: boolean
  onDrain(listener: () => void): void
  /** Since the connection began. */
  readonly written: { readonly frames: number; readonly bytes: number }
  /** Bytes written that the connection has not taken yet. */
  readonly unsentBytes: number
  /** Changes with every byte that the connection takes, and with every pong. */
  readonly signsOfLife: number
  /**
   * Sends what was written, then the farewell, however much is unsent, then the code. Gives up on a peer that
   * does not take them.
   */
  close(code: CloseCode, farewell?: PreparedFrame): void
}
