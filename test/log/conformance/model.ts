import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LogUnderTest, OpenLog } from './log-under-test.ts'
import { ModelRun, steps } from './model-run.ts'

const runs = 30

/** Random appends, reads, retention and restarts, compared with a list per partition. */
export function modelSuite(open: OpenLog): void {
  let opened: LogUnderTest
  beforeAll(async () => {
    opened = await open()
  })
  afterAll(() => opened.close(), 60_000)

  test('after appends, retention and restarts in any order, readers get what a list would give', async () => {
    let { log } = opened
    const property = fc.asyncProperty(steps, async sequence => {
      const run = await ModelRun.start(opened, log)
      try {
        for (const step of sequence) await run.step(step)
        await run.finish()
      } finally {
        log = run.log
        await run.stop()
      }
    })
    const outcome = await fc.check(property, { numRuns: runs, endOnFailure: true })
    expect({ report: fc.defaultReportMessage(outcome), error: outcome.errorInstance }).toEqual({
      report: undefined,
      error: null,
    })
  })
}
