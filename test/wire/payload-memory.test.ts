import { expect, test } from 'vitest'
import { PayloadMemory } from '../../src/wire/payload-memory.ts'

/** Sizes that need several slabs, and one that no slab holds. */
const lengths = [100, 70_000, 10, 300_000, 65_536, 65_536, 65_536, 200]

/** Allocates, and returns a view of nothing but the bytes allocated. */
function allocate(memory: PayloadMemory, length: number): Buffer {
  const buffer = memory.allocate(length)
  return buffer.subarray(memory.start, memory.start + length)
}

function fill(memory: PayloadMemory): Buffer[] {
  return lengths.map((length, index) => allocate(memory, length).fill(index))
}

const filled = lengths.map((length, index) => Buffer.alloc(length, index))

test('allocates the same bytes again after reuse', () => {
  const memory = new PayloadMemory()
  allocate(memory, 100).fill(1)
  allocate(memory, 20).fill(2)
  memory.reuse()
  expect(allocate(memory, 120)).toEqual(Buffer.concat([Buffer.alloc(100, 1), Buffer.alloc(20, 2)]))
})

test('allocates no bytes twice before reuse', () => {
  const memory = new PayloadMemory()
  const taken = [...fill(memory), ...fill(memory)]
  expect(taken).toEqual([...filled, ...filled])
})

test('never allocates kept bytes again', () => {
  const memory = new PayloadMemory()
  const kept: Buffer[] = []
  for (let round = 0; round < 5; round++) {
    kept.push(...fill(memory))
    memory.keep()
    memory.allocate(50)
    memory.reuse()
  }
  expect(kept).toEqual(Array.from({ length: 5 }, () => filled).flat())
})

test('counts the bytes allocated since reuse', () => {
  const memory = new PayloadMemory()
  memory.allocate(100)
  memory.keep()
  memory.allocate(20)
  memory.allocate(3)
  expect(memory.allocated).toBe(23)
  memory.reuse()
  expect(memory.allocated).toBe(0)
})
