/**
 * `live`: a member of its audiences, which is written to. `planning`: it resumes, and looks up where in each
 * partition. `catchingUp`: it reads from where its client is. `rejoining`: it has read as far as the feed,
 * and sends what its wire form needs before live frames.
 */
export type ReaderStateName = 'live' | 'planning' | 'catchingUp' | 'rejoining' | 'ended'

export type ReaderEvent =
  /** The client wants other items than before. */
  | 'select'
  /** The client brings a cursor. */
  | 'resume'
  /** Where the reader begins in each partition is known. */
  | 'planned'
  /** No node can have issued the cursor. */
  | 'refused'
  /** The client does not take what is written. */
  | 'congested'
  /** The node has forgotten an item that was still to be delivered at an interval. */
  | 'forgotten'
  /** The wire form needs more delta bases than fit before the next live frame. */
  | 'unprepared'
  /** The reader has read as far as the feed. */
  | 'level'
  /** The feed has gone on meanwhile. */
  | 'overtaken'
  /** The reader is a member of its audiences again. */
  | 'joined'
  /** The session has ended. */
  | 'end'

/** Where an event leads, and what the reader does thereby. */
export type ReaderStep =
  | { readonly to: ReaderStateName; readonly action?: never }
  /** Joins the audiences of its selection. */
  | { readonly to: 'live'; readonly action: 'join' }
  /** Leaves its audiences, and reads from where its client is. */
  | { readonly to: 'catchingUp' | 'rejoining'; readonly action: 'leave' }
  /** Looks up where the cursor leads. */
  | { readonly to: 'planning'; readonly action: 'plan' }
  /** Reads from where the plan says. */
  | { readonly to: 'catchingUp'; readonly action: 'begin' }
  /** Reads again what it has read, but not delivered. */
  | { readonly to: 'catchingUp'; readonly action: 'rewind' }

const live: ReaderStep = { to: 'live' }
const planning: ReaderStep = { to: 'planning' }
const catchingUp: ReaderStep = { to: 'catchingUp' }
const rejoining: ReaderStep = { to: 'rejoining' }
const ended: ReaderStep = { to: 'ended' }

const leave: ReaderStep = { to: 'catchingUp', action: 'leave' }
const rewind: ReaderStep = { to: 'catchingUp', action: 'rewind' }

/**
 * The whole life of a reader: a cell for every event in every state. An event that means nothing to a state
 * leaves it as it is.
 */
export const readerSteps: Readonly<Record<ReaderStateName, Readonly<Record<ReaderEvent, ReaderStep>>>> = {
  live: {
    select: { to: 'live', action: 'join' },
    resume: { to: 'planning', action: 'plan' },
    planned: live,
    refused: live,
    congested: leave,
    forgotten: leave,
    unprepared: { to: 'rejoining', action: 'leave' },
    level: live,
    overtaken: live,
    joined: live,
    end: ended,
  },
  planning: {
    select: planning,
    resume: planning,
    planned: { to: 'catchingUp', action: 'begin' },
    refused: live,
    congested: planning,
    forgotten: planning,
    unprepared: planning,
    level: planning,
    overtaken: planning,
    joined: planning,
    end: ended,
  },
  catchingUp: {
    select: rewind,
    resume: catchingUp,
    planned: catchingUp,
    refused: catchingUp,
    congested: catchingUp,
    forgotten: catchingUp,
    unprepared: catchingUp,
    level: rejoining,
    overtaken: catchingUp,
    joined: catchingUp,
    end: ended,
  },
  rejoining: {
    select: rewind,
    resume: rejoining,
    planned: rejoining,
    refused: rejoining,
    congested: rejoining,
    forgotten: rejoining,
    unprepared: rejoining,
    level: rejoining,
    overtaken: catchingUp,
    joined: live,
    end: ended,
  },
  ended: {
    select: ended,
    resume: ended,
    planned: ended,
    refused: ended,
    congested: ended,
    forgotten: ended,
    unprepared: ended,
    level: ended,
    overtaken: ended,
    joined: ended,
    end: ended,
  },
}
