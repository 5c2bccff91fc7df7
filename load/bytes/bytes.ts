import { Child } from '../child-calls.ts'
import { divideCores } from '../cores.ts'
import { describeMachine } from '../machine.ts'
import { program } from '../program.ts'
import type { Bench, Outcome, Scenario } from '../scenario.ts'
import { type BytesArguments, bytesUsage, parseBytesArguments } from './arguments.ts'
import type { BytesProcess } from './bytes-process.ts'
import type { MarketTimes } from './measured.ts'
import { renderBytes } from './report.ts'

/** The tape form beside the others. */
export const bytes: Scenario = {
  name: 'bytes',
  summary: 'bytes of an event in each form, encoding and decoding',
  usage: bytesUsage,
  prepare(args) {
    const load = parseBytesArguments(args)
    return { json: load.json, measure: bench => measure(load, bench) }
  },
}

async function measure(load: BytesArguments, bench: Bench): Promise<Outcome> {
  const cores = divideCores()
  const machine = [...describeMachine(), cores.description]
  const start = (): Child<BytesProcess> => {
    const child = new Child<BytesProcess>('bytes', cores.server(program('bytes/bytes-process.ts')))
    bench.stack.defer(() => child.stop())
    return child
  }
  bench.say('counting bytes')
  const counting = start()
  const markets = await counting.call('bytes', load.tape, load.events)
  counting.stop()
  const rounds: (readonly MarketTimes[])[] = []
  for (let round = 1; round <= load.rounds; round++) {
    bench.signal.throwIfAborted()
    bench.say(`round ${round} of ${load.rounds}`)
    const child = start()
    rounds.push(await child.call('times', load.tape, load.events))
    child.stop()
  }
  return { text: renderBytes({ machine, markets, rounds }), figures: { machine, load, markets, rounds } }
}
