import { setTimeout as pause } from 'node:timers/promises'
import type { Topics } from '../../../src/log/topics.ts'
import type { NumberedProducer } from '../../kafka/numbered-producer.ts'
import type { NumberedSource, Totals } from '../../kafka/numbered-source.ts'
import type { KafkaBench } from '../../lib/bench.ts'
import { program, startChild } from '../../lib/child.ts'
import { kernelTcpBytes } from '../../lib/process-figures.ts'
import type { ProbeAnswers } from '../../processes/gateway-probe.ts'
import type {
  Latencies,
  NumberedReaders,
  ReaderKind,
  ReaderResult,
  ReaderSpec,
} from '../../processes/numbered-readers.ts'
import { ProbedGateway, type Stretch } from '../../processes/probed-gateway.ts'

/** What the runs have in common. */
export interface SlowSetup {
  readonly topics: Topics
  readonly producer: NumberedProducer
  readonly source: NumberedSource
  readonly bench: KafkaBench
}

/** The gateway and its steady readers during a stretch of time. */
export interface SlowStretch extends Stretch {
  readonly latencies: Latencies
}

/** One run: half of the readers stop for a time, or none does. */
export interface SlowRun {
  /** While they do not read. */
  readonly stopped: SlowStretch
  readonly catchingUp: SlowStretch
  /** At the end of `stopped`. */
  readonly memory: ProbeAnswers['memory']
  readonly kernelBytes: number
  readonly results: readonly ReaderResult[]
  readonly longestGapMs: number
}

export const symbols = 300
const leadSeconds = 5
const afterSeconds = 20
const lingerMs = 5
const resultTimeoutMs = 90_000

/** As often as in production: readers learn from it that they are behind. */
const settings = { TICKER_HEARTBEAT_MS: '5000' } as const

/** Runs with a gateway of its own, so that memory of former runs does not count. */
export async function runOnce(
  { topics, producer, source, bench }: SlowSetup,
  {
    subscribers,
    rate,
    seconds,
  }: { readonly subscribers: number; readonly rate: number; readonly seconds: number },
  { isStopping, profile }: { readonly isStopping: boolean; readonly profile: string | undefined },
): Promise<SlowRun> {
  await using stack = new AsyncDisposableStack()
  const { signal } = bench
  const gateway = await ProbedGateway.start({ topics, settings }, { ...bench, stack })
  const command = program('processes/numbered-readers.ts')
  const readers = startChild<NumberedReaders>(stack, 'readers', command)
  const observe = async (length: number): Promise<SlowStretch> => {
    await readers.call('latencies')
    const [stretch] = await gateway.during(() => pause(length * 1000, undefined, { signal }))
    return { ...stretch, latencies: await readers.call('latencies') }
  }
  const specs = Array.from({ length: subscribers }, (_, number) => specOf(number, subscribers, source.totals))
  await readers.call('open', gateway.target, symbols, specs)
  await readers.call('latencies')
  const publishing = producer.start({ perSecond: rate, lingerMs }, signal)
  await pause(leadSeconds * 1000, undefined, { signal })
  if (isStopping) await readers.call('stop')
  const stopped = await observe(seconds)
  const [memory, kernelBytes] = [await gateway.ask('memory'), kernelTcpBytes()]
  const catchingUp = await gateway.profiled(profile, async () => {
    if (isStopping) await readers.call('readAgain')
    return await observe(afterSeconds)
  })
  const { longestGapMs } = await publishing.end()
  const results = await readers.call('results', source.totals, resultTimeoutMs)
  return { stopped, catchingUp, memory, kernelBytes, results, longestGapMs }
}

const kinds: readonly ReaderKind[] = ['steady', 'unread', 'steady', 'unacknowledged']
/** Steady readers that look at events. */
const mostChecked = 10

/** Steady readers have the even numbers; some of them look at events, as do all others. */
function specOf(number: number, count: number, begins: Totals): ReaderSpec {
  const kind = kinds[number % kinds.length] ?? 'steady'
  const isChecked = kind !== 'steady' || number % (2 * Math.ceil(count / 2 / mostChecked)) === 0
  const subscribe = { trades: ['*'], quotes: ['*'] }
  return { kind, subscribe, begins, looks: isChecked ? 'at events' : 'at frames' }
}
