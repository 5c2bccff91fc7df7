import type { PreparedFrame } from '../wire/prepared-frame.ts'
import type { WireForm } from '../wire/wire-form.ts'
import type { CloseCode } from '../protocol/close-code.ts'

/**
 * What became of offered bytes. `taken`: they are out of the process, and the memory that they lie in may be used again. `written`: they
 * will be sent. `congested`: nothing was taken.
 */
export type Written = 'taken' | 'written' | 'congested'

/** All a session knows about the connection under it. */
export interface Transport {
  readonly form: WireForm
  /** Offers prepared bytes; they are taken unless more earlier bytes than that (by default: than the limit) are still unsent. */
  write(block: PreparedFrame, mostUnsentBytes?: number): Written
  /** Whether the connection takes more at once; if not, it calls the `onDrain` listener when it does. */
  readonly hasRoom: boolean
  onDrain(listener: () => void): void
  /** What was written since the connection began. */
  readonly written: { readonly frames: number; readonly bytes: number }
  /** What of it the connection has not taken yet. */
  readonly unsentBytes: number
  /** Changes with every byte that the connection takes, and with every pong. */
  readonly signsOfLife: number
  /** Sends what was written, the farewell whatever is unsent, and the code; gives up on a peer that does not take them. */
  close(why: CloseCode, farewell?: PreparedFrame): void
}
