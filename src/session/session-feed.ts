import type { Feed } from '../feed/feed.ts'
import type { History } from '../history/history.ts'
import type { ServerMessage } from '../protocol/server-message.ts'
import type { Payload } from '../wire/payload.ts'
import type { WireForm } from '../wire/wire-form.ts'
import { Heartbeat } from './heartbeat.ts'
import type { ResumeCounts, SessionContext } from './session-context.ts'
import { createReaderCounts, createStateCounts, type ReaderCounts } from './session-counts.ts'
import type { SessionState } from './session-steps.ts'
import type { Session } from './session.ts'
import type { TransportName } from './transport.ts'

/** A feed for sessions, with the history that they resume from. */
export interface FeedSource {
  readonly feed: Feed
  readonly history: History
}

/** What the sessions of all feeds share. */
export interface CommonContext extends Omit<SessionContext, 'feed' | 'states' | 'resuming'> {
  readonly resuming: Omit<SessionContext['resuming'], 'history' | 'counts' | 'readers'>
  /** The sessions of all feeds, from the first again with each call. */
  readonly sessions: () => IteratorObject<Session>
}

/** One feed with what its sessions share: their context, their heartbeat and its messages to all of them. */
export class SessionFeed {
  readonly feed: Feed
  readonly context: SessionContext
  /** Sessions that are in each state now. */
  readonly states: Readonly<Record<TransportName, Readonly<Record<SessionState, number>>>>
  /** How resumes ended. */
  readonly resumes: Readonly<ResumeCounts>
  /** What readers that are behind do. */
  readonly readers: ReaderCounts
  readonly #sessions: () => IteratorObject<Session>
  readonly #heartbeat: Heartbeat

  constructor({ feed, history }: FeedSource, { sessions, resuming, ...common }: CommonContext) {
    const states = createStateCounts()
    const resumes = { whole: 0, partial: 0, failed: 0, refused: 0 }
    const readers = createReaderCounts()
    this.feed = feed
    this.states = states
    this.resumes = resumes
    this.readers = readers
    this.context = { ...common, feed, states, resuming: { ...resuming, history, counts: resumes, readers } }
    this.#sessions = () => sessions().filter(session => session.feed === feed)
    this.#heartbeat = new Heartbeat({ feed, clock: common.clock, sessions: this.#sessions })
    feed.onPartition.add(position => this.#tellAll({ kind: 'partitions', partitions: [position] }))
    // A reader that is behind finds the gap by itself.
    feed.onLost.add(range => this.#tellAll({ kind: 'lost', ranges: [range] }, session => session.isCaughtUp))
  }

  get name(): string {
    return this.feed.name
  }

  /** The wire forms of its events; the first is the default. */
  get forms(): readonly [WireForm, ...WireForm[]] {
    return this.feed.forms
  }

  /** Sends every authenticated session a heartbeat. */
  beat(): void {
    this.#heartbeat.beat()
  }

  stop(): void {
    this.#heartbeat.stop()
  }

  /** Tells every authenticated client, before the next event. */
  #tellAll(message: ServerMessage, isFor: (session: Session) => boolean = () => true): void {
    const frames = new Map<WireForm, Payload | undefined>()
    for (const session of this.#sessions()) {
      if (!isFor(session)) continue
      const { form } = session
      if (!frames.has(form)) frames.set(form, form.message(message))
      session.announce(frames.get(form))
    }
  }
}
