import { Item } from '../../../src/feed/last-values/item.ts'
import type { PartitionWindow } from '../../../src/feed/recent-events/partition-window.ts'
import { EventBatch } from '../../../src/feed/last-values/event-batch.ts'

/** An event as a test states it: a text for its bytes, and the numbers of its items. */
export interface StatedEvent {
  readonly offset: number
  readonly text: string
  readonly items: readonly [number, ...number[]]
}

const items: Item[] = []

function itemOf(number: number): Item {
  return (items[number] ??= new Item(number, 'trades', `S${number}`, 0))
}

/** Takes events into a window by way of a batch, as ingest does. */
export function append(window: PartitionWindow, events: readonly StatedEvent[]): void {
  const batch = new EventBatch()
  for (const { offset, text, items: numbers } of events) {
    const [first, ...others] = numbers.map(itemOf)
    const index = batch.append(text, first!, { partition: window.number, offset })
    if (others.length > 0) batch.others.set(index, others)
    window.append(batch, index)
  }
}
