import type { Topics } from '../../src/log/topics.ts'
import type { Cores } from './machine.ts'

/** What every scenario measures with. */
export interface Bench {
  /** Ends everything that was started, last first. */
  readonly stack: AsyncDisposableStack
  /** Aborts when the run is to end early. */
  readonly signal: AbortSignal
  /** Reports progress. */
  readonly say: (what: string) => void
  readonly cores: Cores
  /** The machine and its parts, in some phrases: the figures depend on them. */
  readonly machine: readonly string[]
}

/** The same with a Kafka. */
export interface KafkaBench extends Bench {
  readonly brokers: string
  /** What kind of broker it is, in words. */
  readonly broker: string
  /** Makes topics under names of the run's own; they are deleted at its end. */
  readonly createTopics: (partitions: number) => Promise<Topics>
}

/** Measures so many rounds, one after the other. A round's bench tells its progress with its number. */
export async function measureRounds<Own extends Bench, Round>(
  bench: Own,
  count: number,
  measure: (bench: Own, isLast: boolean) => Promise<Round>,
): Promise<Round[]> {
  const rounds: Round[] = []
  for (let round = 1; round <= count; round++) {
    bench.signal.throwIfAborted()
    const say = (what: string): void => bench.say(`round ${round} of ${count}: ${what}`)
    rounds.push(await measure({ ...bench, say }, round === count))
  }
  return rounds
}
