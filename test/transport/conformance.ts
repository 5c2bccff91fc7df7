import { afterEach, describe } from 'vitest'
import { backpressureSuite } from './conformance/backpressure.ts'
import { deliveringSuite } from './conformance/delivering.ts'
import { endingSuite } from './conformance/ending.ts'
import {
  type OpenTransport,
  testLimits,
  type TransportLimits,
  type TransportUnderTest,
} from './conformance/transport-under-test.ts'

export type {
  OpenTransport,
  TransportLimits,
  TransportUnderTest,
} from './conformance/transport-under-test.ts'

/** What every transport does, over real connections. */
export function transportConformance(name: string, open: OpenTransport): void {
  describe(`${name} is a transport`, () => {
    const opened: TransportUnderTest[] = []
    const openAnother = async (limits: TransportLimits = testLimits): Promise<TransportUnderTest> => {
      const transport = await open(limits)
      opened.push(transport)
      return transport
    }
    afterEach(async () => {
      for (const transport of opened.splice(0)) await transport.close()
    })

    describe('delivering', () => {
      deliveringSuite(openAnother)
    })
    describe('backpressure', () => {
      backpressureSuite(openAnother)
    })
    describe('ending', () => {
      endingSuite(openAnother)
    })
  })
}
