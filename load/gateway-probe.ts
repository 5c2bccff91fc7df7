import { createServer } from 'node:http'
import { Session } from 'node:inspector/promises'
import { createHistogram, monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks'

/** Memory of the gateway's process in bytes, after a collection. */
export interface Memory {
  readonly rss: number
  readonly heapUsed: number
  /** With what array buffers hold. */
  readonly external: number
}

/** How long the gateway's loop and its collector took at a time since `loop` was asked last, in ms. */
export interface LoopTimes {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly longestMs: number
  /** CPU of the loop's thread in one turn: not lengthened where its core is given to others. */
  readonly cpuP99Ms: number
  readonly cpuLongestMs: number
  readonly longestCollectionMs: number
}

/** What a probe answers, by path. */
export interface ProbeAnswers {
  readonly memory: Memory
  readonly loop: LoopTimes
  /** The profile since `profile` was asked before, in the format of `--cpu-prof`; `null` the first time, which begins it. */
  readonly profile: unknown
}

const resolutionMs = 1

const delays = monitorEventLoopDelay({ resolution: resolutionMs })
const turns = createHistogram()
let turnsTimer: NodeJS.Timeout | undefined
let cpuUs = 0
let longestCollectionMs = 0
let session: Session | undefined

const answers: {
  readonly [Name in keyof ProbeAnswers]: () => ProbeAnswers[Name] | Promise<ProbeAnswers[Name]>
} = {
  memory() {
    globalThis.gc?.()
    globalThis.gc?.()
    const { rss, heapUsed, external } = process.memoryUsage()
    return { rss, heapUsed, external }
  },

  loop() {
    const ms = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - resolutionMs)
    const times = {
      p50Ms: ms(delays.percentile(50)),
      p99Ms: ms(delays.percentile(99)),
      longestMs: ms(delays.max),
      cpuP99Ms: turns.percentile(99) / 1000,
      cpuLongestMs: turns.max / 1000,
      longestCollectionMs,
    }
    turnsTimer ??= setInterval(endTurn, resolutionMs)
    endTurn()
    turns.reset()
    delays.enable()
    delays.reset()
    longestCollectionMs = 0
    return times
  },

  async profile() {
    if (session === undefined) {
      session = new Session()
      session.connect()
      await session.post('Profiler.enable')
      await session.post('Profiler.start')
      return null
    }
    const { profile } = await session.post('Profiler.stop')
    session.disconnect()
    session = undefined
    return profile
  },
}

/** Loaded into the gateway before its program (`--import`): answers a benchmark on the socket that the environment names. */
const server = createServer((request, response) => {
  const name = request.url?.slice(1) ?? ''
  if (!isAnswer(name)) {
    response.writeHead(404).end()
    return
  }
  void Promise.resolve(answers[name]()).then(answer => response.end(JSON.stringify(answer)))
})
server.listen(process.env['LOAD_PROBE'])
server.unref()

new PerformanceObserver(list => {
  for (const { duration } of list.getEntries()) longestCollectionMs = Math.max(longestCollectionMs, duration)
}).observe({ entryTypes: ['gc'] })

/** A timer that is due comes once in each turn of a busy loop. */
function endTurn(): void {
  const { user, system } = process.threadCpuUsage()
  turns.record(Math.max(1, user + system - cpuUs))
  cpuUs = user + system
}

function isAnswer(name: string): name is keyof ProbeAnswers {
  return Object.hasOwn(answers, name)
}
