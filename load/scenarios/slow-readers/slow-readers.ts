import { type KafkaTotals, readKafkaTotals } from '../../kafka/kafka-totals.ts'
import { NumberedProducer } from '../../kafka/numbered-producer.ts'
import { NumberedSource, partitions, type Totals } from '../../kafka/numbered-source.ts'
import { measureRounds } from '../../lib/bench.ts'
import { roundsOption } from '../../lib/options.ts'
import { kafkaScenario } from '../../lib/scenario.ts'
import { profileFileOption } from '../../processes/probed-gateway.ts'
import { failuresOf, slowParts } from './slow-report.ts'
import { runOnce, symbols } from './slow-run.ts'

/** Readers that stop, and read again. */
export const slowReaders = kafkaScenario({
  name: 'slow-readers',
  summary: 'half of the readers stop and read again: what it costs the others, memory, completeness',
  details: `
Each round is a run in which no reader stops, and one in which half of them do: of these, half do not read,
and half read but do not acknowledge. Half of the events are trades (every), half are quotes (conflate).
`,
  options: {
    rounds: roundsOption(3),
    subscribers: { help: 'subscribers of everything', default: 200, quick: 40, most: 10_000 },
    rate: { help: 'events per second', default: 5000, most: 100_000 },
    seconds: { help: 'how long they stop, in seconds', default: 30, quick: 5, most: 600 },
    profile: profileFileOption,
  },
  async measure(options, bench) {
    const topics = await bench.createTopics(partitions)
    const source = new NumberedSource(symbols)
    const producer = await NumberedProducer.open(bench, topics, source)
    await producer.publishBacklog(warmUpEvents, 0, bench.signal)
    const rounds = await measureRounds(bench, options.rounds, async (own, isLast) => {
      const setup = { topics, producer, source, bench: own }
      own.say('no reader stops')
      const control = await runOnce(setup, options, { isStopping: false, profile: undefined })
      own.say('half of them stop')
      const profile = isLast ? options.profile : undefined
      return { control, stopping: await runOnce(setup, options, { isStopping: true, profile }) }
    })
    bench.say('reading what Kafka holds')
    const inKafka = await readKafkaTotals(bench.brokers, topics, symbols)
    const lost = isAsPublished(source.totals, inKafka)
      ? []
      : ['Kafka does not hold the events as they were published: the figures say nothing of the gateway']
    const { subscribers, rate, seconds } = options
    return {
      notes: [
        `${subscribers} subscribers of everything, ${rate} events/s; half of them stop for ${seconds} s:`,
        'of these, half do not read, and half read but do not acknowledge.',
        'Missing, repeated or uncovered: trades and ranges of the log.',
        'Miscounted: quotes that do not replace exactly those that are left out before them.',
      ],
      parts: slowParts(rounds, subscribers / 2),
      figures: { rounds, eventsInKafka: source.events },
      failures: [...lost, ...failuresOf(rounds)],
    }
  },
})

/** As much as a gateway reads at its start, so that the first one's memory is like that of the others. */
const warmUpEvents = 80_000

function isAsPublished(published: Totals, { totals, outOfOrder }: KafkaTotals): boolean {
  const isSame = (a: Uint32Array, b: Uint32Array) => a.every((total, index) => total === b[index])
  return (
    outOfOrder === 0 && isSame(published.trades, totals.trades) && isSame(published.quotes, totals.quotes)
  )
}
