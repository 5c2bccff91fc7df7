import { describe, expect, test } from 'vitest'
import { AppendWindow, type NumberedEvent } from '../../../src/commands/publish/append-window.ts'
import type { MarketEvent } from '../../../src/event/event.ts'
import type { AppendResult } from '../../../src/log/event-log.ts'
import { KafkaError } from '../../../src/log/kafka/kafka-error.ts'

const partition = { topic: 'market.trades', partition: 0 }
const news = { topic: 'market.news', partition: 2 }

/** A log that answers when the test says so. */
class SlowLog {
  readonly calls: (readonly MarketEvent[])[] = []
  readonly #answers: ((results: readonly AppendResult[] | Error) => void)[] = []

  append(events: readonly MarketEvent[]): Promise<readonly AppendResult[]> {
    this.calls.push(events)
    const { promise, resolve, reject } = Promise.withResolvers<readonly AppendResult[]>()
    this.#answers.push(results => (results instanceof Error ? reject(results) : resolve(results)))
    return promise
  }

  answer(call: number, results: readonly AppendResult[] | Error): void {
    this.#answers[call]!(results)
  }

  accept(call: number, first: number): void {
    this.answer(
      call,
      this.calls[call]!.map((_, index) => at(first + index)),
    )
  }
}

function at(offset: number, where = partition): AppendResult {
  return { position: { partition: where, epoch: 'e', offset } }
}

const refusal: AppendResult = { error: new KafkaError('no leader') }

function trades(...lines: number[]): NumberedEvent[] {
  return lines.map(line => ({ line, event: { T: 't', S: 'A', p: 1, s: line, t: '2026-01-31T14:30:00Z' } }))
}

function open(maxEvents = 100): { log: SlowLog; window: AppendWindow } {
  const log = new SlowLog()
  return { log, window: new AppendWindow({ log, maxEvents, onSettled: () => undefined }) }
}

describe('an append window', () => {
  test('lets no more events be under way than it may, and hands them over in order', async () => {
    const { log, window } = open(5)
    await window.append(trades(1, 2, 3))
    await window.append(trades(4, 5))
    let isTaken = false
    const third = window.append(trades(6)).finally(() => {
      isTaken = true
    })
    await Promise.resolve()
    expect([log.calls.length, isTaken, window.acknowledgements.waiting]).toEqual([2, false, 5])
    log.accept(1, 13)
    await third
    expect(log.calls.flat().map(event => 's' in event && event.s)).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('takes a batch larger than the window when nothing else is under way', async () => {
    const { log, window } = open(2)
    await window.append(trades(1, 2, 3))
    expect(log.calls.length).toBe(1)
  })

  test('is settled when the log has answered for everything', async () => {
    const { log, window } = open()
    await window.append(trades(1))
    await window.append(trades(2))
    log.accept(1, 7)
    log.accept(0, 3)
    await window.settled()
    expect(window.acknowledgements).toMatchObject({ acknowledged: 2, waiting: 0, missing: [] })
  })

  test('hands over nothing more once the log has refused something', async () => {
    const { log, window } = open(2)
    await window.append(trades(1, 2))
    const next = window.append(trades(3, 4))
    log.answer(0, [at(0), refusal])
    await next
    expect(window.hasFailed).toBe(true)
    expect(log.calls.length).toBe(1)
  })

  test('takes a rejected call for a refusal of all its events', async () => {
    const { log, window } = open()
    await window.append(trades(8, 9))
    log.answer(0, new Error('out of order'))
    await window.settled()
    expect(window.acknowledgements.missing).toMatchObject([{ firstLine: 8, lastLine: 9, count: 2 }])
    expect([...window.acknowledgements.errors]).toEqual([['out of order', 2]])
  })
})

describe('the acknowledgements', () => {
  test('tell how many events lie between which offsets of each partition', async () => {
    const { log, window } = open()
    await window.append(trades(1, 2, 3))
    await window.append(trades(4))
    log.answer(1, [at(4, news)])
    log.answer(0, [at(12), at(10), at(19)])
    await window.settled()
    expect(window.acknowledgements.offsets).toEqual([
      { partition: news, count: 1, first: 4, last: 4 },
      { partition, count: 3, first: 10, last: 19 },
    ])
    expect([...window.acknowledgements.byChannel]).toEqual([['trades', 4]])
  })

  test('tell what is missing in stretches of the file: refused, unanswered and under way', async () => {
    const { log, window } = open()
    await window.append(trades(1, 2, 5, 6))
    await window.append(trades(8, 9))
    await window.append(trades(11, 12))
    log.answer(0, [at(0), refusal, refusal, at(1)])
    log.answer(1, [at(2)])
    await new Promise(setImmediate)
    expect(window.acknowledgements.missing).toMatchObject([
      { firstLine: 2, lastLine: 5, count: 2 },
      { firstLine: 9, lastLine: 12, count: 3 },
    ])
  })
})
