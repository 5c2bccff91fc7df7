import { createServer } from 'node:http'
import { Session } from 'node:inspector/promises'
import { createHistogram, monitorEventLoopDelay, PerformanceObserver } from 'node:perf_hooks'

const resolutionMs = 1

const delays = monitorEventLoopDelay({ resolution: resolutionMs })
const turns = createHistogram()
let turnsTimer: NodeJS.Timeout | undefined
let cpuUs = 0
let longestCollectionMs = 0
let session: Session | undefined

const answers = {
  /** Memory of the gateway's process in bytes, after a collection; `external` includes array buffers. */
  memory() {
    globalThis.gc?.()
    globalThis.gc?.()
    const { rss, heapUsed, external } = process.memoryUsage()
    return { rss, heapUsed, external }
  },

  /** How long turns of the event loop and collections took since this was asked last. */
  loop() {
    const ms = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - resolutionMs)
    const times = {
      p50Ms: ms(delays.percentile(50)),
      p99Ms: ms(delays.percentile(99)),
      longestMs: ms(delays.max),
      /** CPU of the loop's thread in one turn, which does not grow when its core runs others. */
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

  /** The profile since the last call, as `--cpu-prof` has it; `null` the first time, which begins it. */
  async profile(): Promise<unknown> {
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

type Answers = typeof answers
/** The answers of a probe, by path. */
export type ProbeAnswers = { readonly [Name in keyof Answers]: Awaited<ReturnType<Answers[Name]>> }

/** Loaded into the gateway before its program (`--import`): answers on the socket that `LOAD_PROBE` names. */
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
