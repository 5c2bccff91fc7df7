import { describe, expect, test } from 'vitest'
import { Articles } from '../../../src/feed/last-values/articles.ts'
import { Item } from '../../../src/feed/last-values/item.ts'

// Cause: small copies were cut from Node's pool, and each kept 64 KiB of it, with what lay beside it, from
// being collected.
// Symptom: 600 articles of 0.5 MB held 34 MiB; the bound of 64 MiB, which counts their bytes, held 80 times
// as much.
// Seen: buffers that grew minute by minute in a soak of ten (`npm run test:long -- soak`).
test('an article holds no more memory than its own bytes', () => {
  const articles = new Articles(() => undefined)
  const item = new Item(0, 'news', 'AAPL', 0)
  for (let id = 0; id < 10; id++) {
    articles.keep({ id, bytes: Buffer.from(`{"id":${id}}`), partition: 0, writtenMs: id }, [item])
  }
  const kept = articles.of([item])
  expect(kept.map(String)).toEqual(Array.from({ length: 10 }, (_, number) => `{"id":${number}}`))
  expect(kept.map(bytes => bytes.buffer.byteLength)).toEqual(kept.map(bytes => bytes.length))
})

describe('an article that was updated', () => {
  const [apple, microsoft] = [new Item(0, 'news', 'AAPL', 0), new Item(1, 'news', 'MSFT', 0)]

  /**
   * Articles of one symbol or more, each as its id, its version and when its record was written, told in this
   * order.
   */
  function articlesOf(
    ...versions: readonly {
      id: number | string
      version: string
      ms: number
      partition?: number
      items?: Item[]
    }[]
  ): Articles {
    const articles = new Articles(() => undefined)
    for (const { id, version, ms, partition = 0, items = [apple] } of versions) {
      articles.keep({ id, bytes: Buffer.from(`${id}${version}`), partition, writtenMs: ms }, items)
    }
    return articles
  }

  // Cause: articles were kept record by record, whatever their ids.
  // Symptom: an updated article took two of the ten places of its symbols, and a snapshot told its old
  // version, too.
  // Seen: an article that was corrected five times, published from outside (issue 13).
  test('has one place, that of its newest version', () => {
    const updates = Array.from({ length: 9 }, (_, index) => ({
      id: 1,
      version: `v${index}`,
      ms: 100 + index,
    }))
    const others = Array.from({ length: 9 }, (_, index) => ({ id: 10 + index, version: '', ms: index }))
    const articles = articlesOf(...others, ...updates)
    const ids = others.map(({ id }) => String(id))
    expect(articles.of([apple]).map(String)).toEqual([...ids, '1v8'])
    expect(articles.latest().map(String)).toEqual([...ids, '1v8'])
  })

  test('is there in its newest version, in whatever order partitions are read', () => {
    const [old, middle, young] = [
      { id: 'a', version: 'v1', ms: 1, partition: 0 },
      { id: 'a', version: 'v2', ms: 2, partition: 1 },
      { id: 'a', version: 'v3', ms: 3, partition: 2 },
    ]
    for (const order of [
      [old, middle, young],
      [young, middle, old],
      [middle, young, old],
    ]) {
      expect(
        articlesOf(...order)
          .of([apple])
          .map(String),
      ).toEqual(['av3'])
    }
  })

  test('is there in the version that comes last in its partition, whatever its clock', () => {
    const articles = articlesOf({ id: 1, version: 'v1', ms: 9 }, { id: 1, version: 'v2', ms: 2 })
    expect(articles.of([apple]).map(String)).toEqual(['1v2'])
  })

  test('leaves the symbols that it does not name any more', () => {
    const articles = articlesOf(
      { id: 1, version: 'v1', ms: 1, items: [apple, microsoft] },
      { id: 1, version: 'v2', ms: 2, items: [microsoft] },
    )
    expect(articles.of([apple])).toEqual([])
    expect(articles.of([apple, microsoft]).map(String)).toEqual(['1v2'])
  })
})
