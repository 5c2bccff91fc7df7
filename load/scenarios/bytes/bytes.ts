import { sharedTapePath } from '../../../test/support/tape.ts'
import { measureRounds } from '../../lib/bench.ts'
import { program, startChild } from '../../lib/child.ts'
import { roundsOption } from '../../lib/options.ts'
import { scenario } from '../../lib/scenario.ts'
import type { BytesProcess } from './bytes-process.ts'
import { bytesParts } from './bytes-report.ts'

/** The tape form beside the others. */
export const bytes = scenario({
  name: 'bytes',
  summary: 'bytes of an event in each form, encoding and decoding',
  options: {
    rounds: roundsOption(5),
    events: {
      help: 'events of each market at most',
      default: 130_000,
      quick: 20_000,
      most: 5_000_000,
    },
    tape: {
      placeholder: 'FILE',
      help: 'a real market, one event a line, gzipped if the name ends in .gz; otherwise one is generated',
      default: sharedTapePath(),
    },
  },
  async measure({ rounds: count, events, tape }, bench) {
    const command = bench.cores.server(program('scenarios/bytes/bytes-process.ts'))
    bench.say('counting bytes')
    const counting = startChild<BytesProcess>(bench.stack, 'bytes', command)
    const markets = await counting.call('bytes', tape, events)
    counting.stop()
    const rounds = await measureRounds(bench, count, async ({ stack, say }) => {
      say('encoding and decoding')
      const child = startChild<BytesProcess>(stack, 'bytes', command)
      const times = await child.call('times', tape, events)
      child.stop()
      return times
    })
    return {
      notes: [
        'Bytes an event include coverage and the WebSocket header.',
        'CPU is in frames of 100 ms, of which one serves all receivers; each round in a process of its own.',
      ],
      parts: bytesParts(markets, rounds),
      figures: { markets, rounds },
    }
  },
})
