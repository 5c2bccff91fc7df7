import { expect, test } from 'vitest'
import { MemoryUse } from '../../src/limits/process-memory.ts'

const mega = 1e6

/** What is said to be used, one reading after another, in MB: resident, of the heap, outside of it. */
function uses(readings: readonly (readonly [rss: number, heapTotal: number, external: number])[]): number[] {
  let at = 0
  const use = new MemoryUse(() => {
    const [rss = 0, heapTotal = 0, external = 0] = readings[at++] ?? []
    return { rss: rss * mega, heapTotal: heapTotal * mega, external: external * mega }
  })
  return readings.map(() => use.read() / mega)
}

// Cause: the resident set was taken for what is used, but glibc keeps most of what is freed.
// Symptom: a node that had been short of memory once stayed so; its window and its sessions went for nothing.
// Seen by: the test of the whole, 350 MB after they had been freed.
test('what was freed is not used, though it stays resident', () => {
  expect(
    uses([
      [400, 50, 250],
      [400, 50, 50],
    ]),
  ).toEqual([400, 200])
})

test('a resident set that is larger than ever is used, whatever Node knows of it', () => {
  expect(
    uses([
      [100, 50, 20],
      [400, 50, 20],
      [390, 50, 20],
      [430, 40, 10],
    ]),
  ).toEqual([100, 400, 390, 430])
})

// Cause: whatever was resident and unknown counted once the resident set was larger than ever, be it by a
// page.
// Symptom: a node that had given back what it held, and then grew a little elsewhere, stayed critical with
// most of it free.
// Seen by: the test of the whole, which failed every other time.
test('what was freed is not used either when the resident set grows a little further', () => {
  expect(
    uses([
      [400, 50, 250],
      [402, 50, 50],
      [405, 52, 50],
    ]),
  ).toEqual([400, 202, 207])
})

test('what is returned to the system is not used', () => {
  expect(
    uses([
      [400, 50, 250],
      [150, 50, 50],
      [90, 40, 10],
    ]),
  ).toEqual([400, 150, 90])
})

test('what was freed is used again when it is', () => {
  expect(
    uses([
      [400, 50, 250],
      [400, 50, 50],
      [400, 50, 150],
      [400, 50, 250],
      [450, 50, 300],
    ]),
  ).toEqual([400, 200, 300, 400, 450])
})

test('by itself it asks this process', () => {
  const used = new MemoryUse().read()
  expect(used).toBeGreaterThan(20 * mega)
  expect(used).toBeLessThanOrEqual(process.memoryUsage.rss() * 1.5)
})

// Cause: a reading opens a file, and throws where no descriptor is left; the memory guard reads on a timer.
// Symptom: the process ended, and all of its clients with it.
// Seen: from outside, with `ulimit -n 1024` and 1,050 connections.
test('the last reading stays while there is none', () => {
  let isOpen = true
  const use = new MemoryUse(() => {
    if (!isOpen) throw new Error('EMFILE: too many open files, uv_resident_set_memory')
    return { rss: 400 * mega, heapTotal: 50 * mega, external: 0 }
  })
  const before = use.read()
  isOpen = false
  expect([before, use.read()]).toEqual([400 * mega, 400 * mega])
})
