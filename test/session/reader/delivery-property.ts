import fc from 'fast-check'
import { actLists, settings } from './acts.ts'
import { World } from './world.ts'

/** `TICKER_TEST_SEED=n` for the acts of a run that failed; the failure names its seed. */
const seed = process.env['TICKER_TEST_SEED']

/** Performs random acts, so many lists of them; a report of the shortest one after which a client finds something wrong. */
export async function brokenRun(numRuns: number): Promise<string | undefined> {
  const details = await fc.check(
    fc.asyncProperty(settings, actLists, async (given, list) => {
      const world = new World(given)
      for (const act of list) {
        await world.perform(act)
        if (world.faults.length > 0) break
      }
      if (world.faults.length === 0) await world.settle()
      await world.end()
      if (world.faults.length > 0) throw new Error(`\n${world.faults.join('\n')}\n`)
    }),
    { numRuns, includeErrorInReport: true, ...(seed === undefined ? {} : { seed: Number(seed) }) },
  )
  return details.failed ? fc.defaultReportMessage(details) : undefined
}
