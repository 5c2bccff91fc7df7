import { afterAll, beforeAll, describe } from 'vitest'
import { appendingSuite } from './conformance/appending.ts'
import { closingSuite } from './conformance/closing.ts'
import { endsSuite } from './conformance/ends.ts'
import { gapsSuite } from './conformance/gaps.ts'
import type { LogUnderTest, OpenLog } from './conformance/log-under-test.ts'
import { modelSuite } from './conformance/model.ts'
import { rangeSuite } from './conformance/range.ts'
import { tailSuite } from './conformance/tail.ts'

export type { LogUnderTest, OpenLog } from './conformance/log-under-test.ts'

/**
 * What every event log does. `open` is called once for the tests that share a log, and once for each test
 * that closes one. Nothing is assumed of the number of partitions, nor that offsets are dense.
 */
export function eventLogConformance(name: string, open: OpenLog): void {
  describe(`${name} is an event log`, () => {
    let shared: LogUnderTest | undefined
    const sharedLog = () => {
      if (shared === undefined) throw new Error('the log could not be opened')
      return shared.log
    }
    beforeAll(async () => {
      shared = await open()
    })
    afterAll(async () => {
      await shared?.close()
    })

    describe('appending', () => {
      appendingSuite(sharedLog)
    })
    describe('tail', () => {
      tailSuite(sharedLog)
    })
    describe('range', () => {
      rangeSuite(sharedLog)
    })
    describe('ends and times', () => {
      endsSuite(sharedLog)
    })
    describe('gaps', () => {
      gapsSuite(open)
    })
    describe('against a model', () => {
      modelSuite(open)
    })
    describe('closing and opening again', () => {
      closingSuite(open)
    })
  })
}
