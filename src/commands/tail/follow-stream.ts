import type { Writable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import type { EventPrinter } from './event-printer.ts'
import {
  type Credentials,
  GatewayConnection,
  type ConnectionEnd,
  hintFor,
  describeConnectionEnd,
  isRetryable,
} from './gateway-connection.ts'
import type { StreamMessage } from './stream-message.ts'
import { IdleNote, ResumeSummary } from './stream-notes.ts'
import { StreamPositions } from './stream-positions.ts'
import { type TailAccess, isLocal } from './tail-access.ts'
import type { TailArguments } from './tail-arguments.ts'
import { systemClock } from '../../system/clock.ts'
import { describeDuration } from '../command-line.ts'

interface FollowOptions {
  readonly request: TailArguments
  readonly access: TailAccess
  readonly printer: EventPrinter
  /** Where events are printed. */
  readonly output: Writable
  /** Prints a note on the state of the stream. */
  readonly note: (kind: 'info' | 'fault', text: string) => void
  /** Aborted when the user stops. */
  readonly stopping: AbortSignal
}

/**
 * Follows a stream over as many connections as necessary. Resolves to true where it ended as requested, and
 * to false where the gateway refuses.
 */
export async function followStream(options: FollowOptions): Promise<boolean> {
  const { access, printer, note, stopping } = options
  const backoff = new ReconnectDelay(Math.random)
  const positions = new StreamPositions()
  let hasBeenConnected = false
  for (;;) {
    const startedMs = systemClock.steady()
    const following = new StreamFollower(options, { positions, credentials: await credentialsOf(access) })
    const ending = await following.ended
    hasBeenConnected ||= ending.kind === 'closed'
    if (stopping.aborted || printer.isDone) return true
    if (!isRetryable(ending, hasBeenConnected)) {
      note('fault', `${describeConnectionEnd(ending)}${hintFor(ending, access.url, isLocal(access.url))}`)
      return false
    }
    const retryAfterMs = ending.kind === 'handshakeRefused' ? ending.retryAfterMs : 0
    const waitMs = backoff.next(systemClock.steady() - startedMs, retryAfterMs)
    note('fault', `${describeConnectionEnd(ending)}; connecting again in ${describeDuration(waitMs)}`)
    await setTimeout(waitMs, undefined, { signal: stopping }).catch(() => undefined)
    if (stopping.aborted) return true
  }
}

/** Reads the credentials anew for each connection, since they may have been renewed. */
async function credentialsOf({ token, trusted }: TailAccess): Promise<Credentials> {
  return { token: await token(), trusted: await trusted() }
}

/** The position and the credentials that a connection starts with. */
interface ConnectionStart {
  /** From earlier connections. */
  readonly positions: StreamPositions
  readonly credentials: Credentials
}

/** Prints the events and messages of one connection. */
class StreamFollower {
  readonly ended: Promise<ConnectionEnd>
  readonly #options: FollowOptions
  readonly #positions: StreamPositions
  readonly #idle: IdleNote
  readonly #resumeSummary: ResumeSummary
  readonly #connection: GatewayConnection
  #isSubscribed = false

  constructor(options: FollowOptions, { positions, credentials }: ConnectionStart) {
    const { request, access, stopping } = options
    this.#options = options
    this.#positions = positions
    this.#idle = new IdleNote(request.channels, systemClock.steady())
    this.#resumeSummary = new ResumeSummary(request.channels)
    this.#connection = new GatewayConnection({
      url: access.url,
      ...credentials,
      subscribe: { ...subscriptionOf(request), ...positions.cursor },
      onFrame: (frame, messages) => this.#handleFrame(frame, messages),
    })
    const close = (): void => this.#connection.close()
    stopping.addEventListener('abort', close, { once: true })
    if (stopping.aborted) close()
    this.ended = this.#connection.ended.finally(() => stopping.removeEventListener('abort', close))
  }

  #handleFrame(frame: string, messages: readonly StreamMessage[]): void {
    const { printer, output } = this.#options
    if (printer.isDone) return
    if (printer.printFrame(frame, messages) > 0) this.#idle.recordEvent(systemClock.steady())
    const caughtUp = this.#resumeSummary.handle(messages)
    if (caughtUp !== undefined) this.#options.note('info', caughtUp)
    for (const message of messages) {
      this.#positions.record(message)
      this.#noteMessage(message)
    }
    if (printer.isDone) this.#connection.close()
    else if (output.writableNeedDrain) this.#waitForReader()
  }

  /** Prints a note on a message that is not an event. */
  #noteMessage(message: StreamMessage): void {
    const { request, access, note } = this.#options
    const { T: type, code, msg, detail } = message
    if (type === 'subscription') {
      this.#isSubscribed = true
      const { symbols, channels } = request
      const what = `${channels.join(', ')} of ${symbols.join(', ')}`
      note('info', `${access.url.host}: subscribed to ${what}${describeMissed(message['recovered'])}`)
    } else if (type === 'error') {
      note('fault', `error ${String(code)} ${String(msg)}: ${String(detail)}`)
      if (code === 400 && !this.#isSubscribed) this.#restart()
    } else if (type === 'heartbeat' && request.format === 'text') {
      const idle = this.#idle.recordHeartbeat(message, systemClock.steady())
      if (idle !== undefined) note('info', idle)
    } else if (
      type === 'shutdown' ||
      type === 'lost' ||
      type === 'replaced' ||
      type === 'slow' ||
      type === 'expiring'
    ) {
      note('info', `the gateway says: ${JSON.stringify(message)}`)
    }
  }

  /**
   * Starts again without a cursor, after the gateway refused it (the topic may be gone). The events since
   * then are lost.
   */
  #restart(): void {
    if (Object.keys(this.#positions.cursor).length === 0) return
    this.#options.note('fault', 'continuing without the missed events')
    this.#positions.clear()
    this.#connection.close()
  }

  /** Stops reading until the output has drained, instead of buffering for a reader that does not keep up. */
  #waitForReader(): void {
    this.#connection.pause()
    this.#options.output.once('drain', () => this.#connection.resume())
  }
}

/** Describes which of the missed events follow, by the `recovered` of an acknowledgement, if it has one. */
function describeMissed(recovered: unknown): string {
  if (recovered === true) return ', including all missed events'
  return recovered === false ? ', including the missed events that are still available' : ''
}

function subscriptionOf({ symbols, channels, policy, where, snapshot }: TailArguments): object {
  // News is never conflated, and the gateway refuses a policy for it.
  const chosen = policy === undefined ? [] : channels.filter(channel => channel !== 'news')
  return {
    ...Object.fromEntries(channels.map(channel => [channel, symbols])),
    snapshot,
    policy: Object.fromEntries(chosen.map(channel => [channel, policy])),
    where,
  }
}

const firstMs = 250
const longestMs = 10_000
/** A connection that lasted this long resets the delay. */
const resetAfterMs = 10_000

/** Decides how long to wait before connecting again: longer each time, with jitter. */
export class ReconnectDelay {
  readonly #random: () => number
  #failures = 0

  /** `random` returns numbers from 0 to 1. */
  constructor(random: () => number) {
    this.#random = random
  }

  /**
   * Returns the ms to wait after a connection that lasted `livedMs`: at least the time that the server
   * requested.
   */
  next(livedMs: number, retryAfterMs: number): number {
    if (livedMs >= resetAfterMs) this.#failures = 0
    const mostMs = Math.min(longestMs, firstMs * 2 ** this.#failures)
    this.#failures = Math.min(this.#failures + 1, 16)
    return Math.max(retryAfterMs, Math.round(mostMs * (0.5 + this.#random() / 2)))
  }
}
