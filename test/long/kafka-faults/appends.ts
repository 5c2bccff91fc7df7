import { setTimeout as pause } from 'node:timers/promises'
import type { Trade } from '../../../src/event/event.ts'
import { UnsentError } from '../../../src/log/kafka/kafka-error.ts'
import type { KafkaLog } from '../../../src/log/kafka/kafka-log.ts'
import { sampleTrade } from '../../log/conformance/sample-event.ts'
import type { TestGateway } from '../../support/gateway.ts'
import type { TrueRecord } from './truth.ts'

const intervalMs = 100
const symbols = ['POST0', 'POST1', 'POST2', 'POST3']
/** Above every number of the steady producer. */
const firstNumber = 1_000_000

/** What an append said of one event. */
export type Appended = { readonly partition: number; readonly offset: number } | 'unsent' | 'unconfirmed'

export type Append = (events: readonly Trade[]) => Promise<readonly Appended[]>

/** Appends a few events ten times a second, in calls that do not wait for each other. */
export class Appends {
  readonly #append: Append
  readonly #stopping = new AbortController()
  readonly #running: Promise<readonly Appended[]>

  constructor(append: Append) {
    this.#append = append
    this.#running = this.#run()
  }

  /** Resolves with what became of each event, in the order of their numbers. */
  async stop(): Promise<readonly Appended[]> {
    this.#stopping.abort()
    return await this.#running
  }

  async #run(): Promise<readonly Appended[]> {
    const { signal } = this.#stopping
    const results: Promise<readonly Appended[]>[] = []
    while (!signal.aborted) {
      const first = firstNumber + results.length * symbols.length
      results.push(this.#append(symbols.map((symbol, index) => sampleTrade(symbol, first + index))))
      await pause(intervalMs)
    }
    return (await Promise.all(results)).flat()
  }
}

/** Appends by `append` of a log. */
export function appendTo(log: KafkaLog): Append {
  return async events =>
    (await log.append(events)).map(result => {
      if ('error' in result) return result.error instanceof UnsentError ? 'unsent' : 'unconfirmed'
      const { partition, offset } = result.position
      return { partition: partition.partition, offset }
    })
}

/** Appends by `POST /v1/events` (PROTOCOL.md §9). */
export async function postTo(gateway: TestGateway): Promise<Append> {
  const token = await gateway.token({ scopes: ['publish'], lifetimeS: 3600 })
  return async events => {
    const answer = await fetch(`${gateway.url}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(events),
    })
    const { events: entries } = (await answer.json()) as { readonly events?: readonly Entry[] }
    return events.map((_, index) => outcomeOf(entries?.[index]))
  }
}

interface Entry {
  readonly partition?: number
  readonly position?: number
  readonly error?: string
}

/** An answer without entries says that nothing was published. */
function outcomeOf(entry: Entry | undefined): Appended {
  const { partition, position, error = 'not published' } = entry ?? {}
  if (partition !== undefined && position !== undefined) return { partition, offset: position }
  return error.startsWith('not published') ? 'unsent' : 'unconfirmed'
}

/**
 * How many were acknowledged and are not where that said, once; or are there twice, or though they were never
 * sent.
 */
export function misplaced(results: readonly Appended[], truth: readonly TrueRecord[]): number {
  const found = Map.groupBy(truth, ({ number }) => number)
  const isRight = (result: Appended, index: number): boolean => {
    const [first, ...more] = found.get(firstNumber + index) ?? []
    if (more.length > 0) return false
    if (result === 'unconfirmed') return true
    if (result === 'unsent') return first === undefined
    return first?.partition === result.partition && first.offset === result.offset
  }
  return results.filter((result, index) => !isRight(result, index)).length
}

/** How many there were, and what was said of them. */
export function summary(results: readonly Appended[]): Readonly<Record<string, number>> {
  return {
    appended: results.length,
    acknowledged: results.filter(result => typeof result === 'object').length,
    unsent: results.filter(result => result === 'unsent').length,
    unconfirmed: results.filter(result => result === 'unconfirmed').length,
  }
}
