import { setTimeout as pause } from 'node:timers/promises'
import { sampleTrade } from '../../log/conformance/sample-event.ts'
import type { Outcome, PublishClient } from './publish-client.ts'
import type { TrueRecord } from './truth.ts'

/** What became of an event, after its last request. */
export interface Posted {
  readonly number: number
  readonly outcome: Outcome
  /** On the clock of `performance.now()`, in ms. */
  readonly postedAtMs: number
  /** How many requests it was in. */
  readonly tries: number
}

export interface PosterOptions {
  readonly client: PublishClient
  /** Whose nobody else posts; the events take turns. */
  readonly symbols: readonly string[]
  /** The number of its first event. */
  readonly first: number
  /** Events in a request. */
  readonly size: number
  readonly pauseMs: number
}

/** Something that posts until it is stopped; then it resolves with what became of each event. */
export interface Poster {
  stop(): Promise<readonly Posted[]>
}

/**
 * Posts one request after the other, and again what the protocol calls safe: what was not published, after
 * the time that the server asks for. It does not give up before it is stopped and all is answered.
 */
export function startPatientPoster(options: PosterOptions): Poster {
  return started(async signal => {
    const posted: Posted[] = []
    for (let first = options.first; !signal.aborted; first += options.size) {
      posted.push(...(await postUntilKnown(options, numbersFrom(first, options.size))))
      await pause(options.pauseMs)
    }
    return posted
  })
}

/** Posts at its pace without waiting for answers, each event once. */
export function startHastyPoster(options: PosterOptions): Poster {
  return started(async signal => {
    const requests: Promise<readonly Posted[]>[] = []
    for (let first = options.first; !signal.aborted; first += options.size) {
      requests.push(postOnce(options, numbersFrom(first, options.size)).then(({ posted }) => posted))
      await pause(options.pauseMs)
    }
    return (await Promise.all(requests)).flat()
  })
}

function started(run: (signal: AbortSignal) => Promise<readonly Posted[]>): Poster {
  const stopping = new AbortController()
  const running = run(stopping.signal)
  return {
    stop: async () => {
      stopping.abort()
      return await running
    },
  }
}

async function postUntilKnown(
  options: PosterOptions,
  numbers: readonly number[],
): Promise<readonly Posted[]> {
  const known: Posted[] = []
  let waiting = numbers
  for (let tries = 1; waiting.length > 0; tries++) {
    const { posted, retryAfterMs } = await postOnce(options, waiting, tries)
    const isToBeTriedAgain = ({ outcome }: Posted) => outcome === 'unsent'
    known.push(...posted.filter(each => !isToBeTriedAgain(each)))
    waiting = posted.filter(isToBeTriedAgain).map(({ number }) => number)
    if (waiting.length > 0) await pause(retryAfterMs)
  }
  return known
}

async function postOnce({ client, symbols }: PosterOptions, numbers: readonly number[], tries = 1) {
  const postedAtMs = performance.now()
  const trades = numbers.map(number => sampleTrade(symbols[number % symbols.length]!, number))
  const { outcomes, retryAfterMs } = await client.post(trades)
  const posted = numbers.map((number, index) => ({ number, outcome: outcomes[index]!, postedAtMs, tries }))
  return { posted, retryAfterMs }
}

function numbersFrom(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index)
}

/** What is wrong with what Kafka holds, by the last answer for each event. */
export interface PostedVerdict {
  /** Acknowledged, and not there, or not where that was said. */
  readonly misplaced: number
  /** Said not to be published, and there. */
  readonly leaked: number
  /** There more than once. */
  readonly repeated: number
  /**
   * Behind one with a higher number of the same symbol, though each was acknowledged at its first request.
   */
  readonly disordered: number
}

export const faultlessPosts = {
  misplaced: 0,
  leaked: 0,
  repeated: 0,
  disordered: 0,
} as const satisfies PostedVerdict

/** Compares answers with what Kafka holds; order is asked of the posters that wait. */
export function judgePosts(
  posted: readonly Posted[],
  truth: readonly TrueRecord[],
  waited: readonly Posted[],
): PostedVerdict {
  const found = Map.groupBy(truth, ({ number }) => number)
  const placesOf = ({ number }: Posted) => found.get(number) ?? []
  const isMisplaced = (each: Posted): boolean => {
    const { outcome } = each
    if (typeof outcome === 'string') return false
    return !placesOf(each).some(
      ({ partition, offset }) => partition === outcome.partition && offset === outcome.offset,
    )
  }
  return {
    misplaced: posted.filter(isMisplaced).length,
    leaked: posted.filter(each => each.outcome === 'unsent' && placesOf(each).length > 0).length,
    repeated: posted.filter(each => placesOf(each).length > 1).length,
    disordered: countDisordered(waited, truth),
  }
}

function countDisordered(waited: readonly Posted[], truth: readonly TrueRecord[]): number {
  const atFirst = new Set(
    waited
      .filter(({ tries, outcome }) => tries === 1 && typeof outcome === 'object')
      .map(({ number }) => number),
  )
  const last = new Map<string, number>()
  let disordered = 0
  for (const { number, symbol } of truth) {
    if (!atFirst.has(number)) continue
    if (number < (last.get(symbol) ?? -1)) disordered++
    last.set(symbol, number)
  }
  return disordered
}

/** How many there are of each outcome. */
export function countOutcomes(posted: readonly Posted[]): Readonly<Record<string, number>> {
  const count = (isMeant: (each: Posted) => boolean) => posted.filter(isMeant).length
  return {
    posted: posted.length,
    acknowledged: count(({ outcome }) => typeof outcome === 'object'),
    'not published': count(({ outcome }) => outcome === 'unsent'),
    'not confirmed': count(({ outcome }) => outcome === 'unconfirmed'),
    'tried again': count(({ tries }) => tries > 1),
  }
}
