import { expect, test } from 'vitest'
import { FrameMemory } from '../../src/wire/frame-memory.ts'

test('gives the same bytes again', () => {
  const memory = new FrameMemory()
  memory.take(100).fill(1)
  expect(memory.take(50)).toEqual(Buffer.alloc(50, 1))
})

test('does not give what is kept again', () => {
  const memory = new FrameMemory()
  const kept = memory.take(100).fill(1)
  memory.keep()
  memory.keep()
  const lengths = [70_000, 100, 300_000, 65_536, 65_536, 65_536]
  const others = lengths.map((length, index) => {
    const other = memory.take(length).fill(index + 2)
    memory.keep()
    return other
  })
  expect(kept).toEqual(Buffer.alloc(100, 1))
  expect(others).toEqual(lengths.map((length, index) => Buffer.alloc(length, index + 2)))
})

test('what is larger than all of it has memory of its own', () => {
  const memory = new FrameMemory()
  const small = memory.take(10).fill(1)
  memory.take(1_000_000).fill(2)
  memory.keep()
  expect(small).toEqual(Buffer.alloc(10, 1))
  expect(memory.take(10)).toEqual(Buffer.alloc(10, 1))
})
