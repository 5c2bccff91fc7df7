import { Excerpt } from '../../src/tape/excerpt.ts'
import type { PartitionWindow } from '../../src/tape/partition-window.ts'
import { readEvents } from '../../src/tape/read-events.ts'
import type { Wanted } from '../../src/tape/wanted.ts'
import { Window } from '../../src/tape/window.ts'
import type { StatedEvent } from './batch.ts'
import { contentsOf } from './window-readers.ts'

export const limits = { maxBytes: 65_000, maxEvents: 500, maxSteps: 50_000 }
export const everything: Wanted = () => true
export const minuteMs = 60_000

/** A window with one partition. */
export function openWindow({ maxBytes = 100_000_000, maxAgeMs = 15 * minuteMs, offset = 0 } = {}) {
  const window = new Window({ maxBytes, maxAgeMs })
  window.tick(1_000_000)
  return { window, partition: window.open(0, offset) }
}

/** One event after another from an offset, their items in turn. */
export function run(from: number, count: number, { items = 1, text = 'x'.repeat(120) } = {}): StatedEvent[] {
  return Array.from({ length: count }, (_, index) => ({ offset: from + index, text, items: [index % items] }))
}

/** One read, and the work that it took. */
export function read(partition: PartitionWindow, from: number, wanted: Wanted = everything) {
  const excerpt = new Excerpt(limits)
  const answer = readEvents(partition, { from, wanted, excerpt })
  return {
    answer,
    texts: contentsOf(excerpt).map(({ text }) => text),
    steps: limits.maxSteps - excerpt.steps,
  }
}
