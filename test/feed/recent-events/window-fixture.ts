import type { PartitionWindow } from '../../../src/feed/recent-events/partition-window.ts'
import { ReadBuffer } from '../../../src/feed/recent-events/read-buffer.ts'
import { type ItemFilter, readEvents } from '../../../src/feed/recent-events/read-events.ts'
import { RecentEvents } from '../../../src/feed/recent-events/recent-events.ts'
import type { StatedEvent } from './batch.ts'
import { contentsOf } from './window-readers.ts'

export const limits = { maxBytes: 65_000, maxEvents: 500, maxSteps: 50_000 }
export const everything: ItemFilter = () => true
export const minuteMs = 60_000

/** A window with one partition. */
export function openWindow({ maxBytes = 100_000_000, maxAgeMs = 15 * minuteMs, offset = 0 } = {}) {
  const window = new RecentEvents({ maxBytes, maxAgeMs })
  window.tick(1_000_000)
  return { window, partition: window.open(0, offset) }
}

/** One event after another from an offset, their items in turn. */
export function run(from: number, count: number, { items = 1, text = 'x'.repeat(120) } = {}): StatedEvent[] {
  return Array.from({ length: count }, (_, index) => ({ offset: from + index, text, items: [index % items] }))
}

/** One read, and the work that it took. */
export function read(partition: PartitionWindow, from: number, wanted: ItemFilter = everything) {
  const readBuffer = new ReadBuffer(limits)
  const answer = readEvents(partition, { from, wanted, readBuffer })
  return {
    answer,
    texts: contentsOf(readBuffer).map(({ text }) => text),
    steps: limits.maxSteps - readBuffer.steps,
  }
}
