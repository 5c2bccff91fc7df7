import type { Block } from '../wire/block.ts'
import type { WireForm } from '../wire/wire-form.ts'
import type { CloseCode } from './close-code.ts'

/** All a session knows about the connection under it. */
export interface Transport {
  readonly form: WireForm
  /** Offers prepared bytes. `congested`: nothing was taken, more earlier bytes than that (by default: than the limit) are still unsent. */
  write(block: Block, mostUnsentBytes?: number): 'written' | 'congested'
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
  close(why: CloseCode, farewell?: Block): void
}
