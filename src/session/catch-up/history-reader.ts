import { setImmediate as nextLoopTurn } from 'node:timers/promises'
import type { NumberedPosition } from '../../feed/feed.ts'
import type { Selection } from '../../feed/selection.ts'
import type { History } from '../../history/history.ts'
import type { ResumeAllowance } from '../../limits/resume-limits.ts'
import type { Payload } from '../../wire/payload.ts'
import type { FlowControl } from '../delivery/flow-control.ts'
import { type FrameReceiver, HistoryFrames, type HistoryPart } from './history-frames.ts'
import type { ReadProgress } from './read-progress.ts'
import type { ReaderScheduler } from './reader-scheduler.ts'
import type { OffsetRange } from '../../protocol/positions.ts'

export interface HistoryReaderOptions extends ResumeAllowance, FrameReceiver {
  readonly history: History
  readonly scheduler: ReaderScheduler
  readonly flowControl: FlowControl
  /** The lossless items that the client wants; another object whenever they change. */
  readonly selection: () => Selection
  readonly send: (frame: Payload) => void
  /** Tells the client of offsets that it does not get. */
  readonly lose: (range: OffsetRange) => void
  readonly signal: AbortSignal
}

/** What a read of the log came to. */
export interface HistoryRead {
  /** Lossless events that were sent. */
  readonly events: number
  /** Whether the log has nothing stable from there on. */
  readonly isAtEnd: boolean
}

/**
 * Offsets that are read from the log before other readers have their turn: 75 kB of frames, made in less than
 * a millisecond, which a slow reader may hold.
 */
const chunkOffsets = 512
const nothingRead: HistoryRead = { events: 0, isAtEnd: false }

/** Reads for one reader what has left the memory. */
export class HistoryReader {
  readonly #options: HistoryReaderOptions
  readonly #progress: ReadProgress

  constructor(options: HistoryReaderOptions, progress: ReadProgress) {
    this.#options = options
    this.#progress = progress
  }

  /** Reads a chunk of the log, then sends it: while the reader takes its time, others may read. */
  async read(position: NumberedPosition): Promise<HistoryRead> {
    const { feed, takeBytes, flowControl, signal, selection } = this.#options
    const { number } = position
    const progress = this.#progress
    const from = progress.at(number)
    const begun = selection()
    const isSame = (): boolean => selection() === begun
    const frames = await this.#readFrames(position)
    if (frames.bytes > 0) await takeBytes(frames.bytes, signal)
    for (const [index, part] of frames.parts.entries()) {
      await flowControl.untilRoom(signal)
      if (!(await this.#send(part, () => !feed.isRetired(number) && isSame()))) {
        progress.goBack(number)
        return nothingRead
      }
      progress.cover(number, frames.coveredAfter(index))
    }
    if (feed.isRetired(number)) return nothingRead
    if (!isSame()) {
      progress.goBack(number)
      return nothingRead
    }
    progress.reach(number, frames.to)
    // A log that was cut back ends here. The feed will notice.
    return { events: frames.events, isAtEnd: frames.to === from }
  }

  async #readFrames(position: NumberedPosition): Promise<HistoryFrames> {
    const { history, runRead, signal, feed, selection } = this.#options
    const { partition, epoch, number } = position
    const from = this.#progress.at(number)
    const recent = feed.window.at(number)?.from ?? position.offset
    const to = Math.min(from + chunkOffsets, Math.max(recent, from + 1))
    const frames = new HistoryFrames(
      { number, from, covered: this.#progress.coveredAt(number) },
      this.#options,
    )
    try {
      await runRead(async () => {
        for await (const batch of history.read({ partition, epoch, offset: from }, to, signal)) {
          frames.add(batch, selection())
          await nextLoopTurn()
        }
      })
    } catch (error) {
      if (!feed.isRetired(number)) throw error
    }
    return frames
  }

  /** Sends a part in the reader's turn, if it is still to be sent then. Returns whether it was. */
  #send(part: HistoryPart, isDue: () => boolean): Promise<boolean> {
    const { scheduler, signal, send, lose } = this.#options
    return scheduler.schedule(() => {
      if (signal.aborted || !isDue()) return false
      if ('lost' in part) lose(part.lost)
      else send(part.frame)
      return true
    })
  }
}
