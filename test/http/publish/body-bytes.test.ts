import fc from 'fast-check'
import { expect, test } from 'vitest'
import { BodyBytes } from '../../../src/http/publish/body-bytes.ts'

test('puts a body together, however it comes and whatever length was announced', () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 50_000 }), { maxLength: 10 })
  fc.assert(
    fc.property(chunks, fc.constantFrom(0, 1, 40_000), (parts, announced) => {
      const bytes = new BodyBytes(announced)
      for (const part of parts) bytes.add(Buffer.from(part))

      expect(bytes.bytes().equals(Buffer.concat(parts))).toBe(true)
      expect(bytes.length).toBe(bytes.bytes().length)
    }),
    { numRuns: 50 },
  )
})
