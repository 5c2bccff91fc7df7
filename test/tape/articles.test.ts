import { expect, test } from 'vitest'
import { Articles } from '../../src/tape/articles.ts'
import { Item } from '../../src/tape/item.ts'

// Cause: small copies were cut from Node's pool, and each kept 64 KiB of it, with what lay beside it, from being collected.
// Symptom: 600 articles of 0.5 MB held 34 MiB; the bound of 64 MiB, which counts their bytes, held 80 times as much.
// Seen: buffers that grew minute by minute in a soak of ten (`npm run test:long -- soak`).
test('an article holds no more memory than its own bytes', () => {
  const articles = new Articles(() => undefined)
  const item = new Item(0, 'news', 'AAPL', 0)
  for (let number = 0; number < 10; number++) articles.keep(Buffer.from(`{"id":${number}}`), number, [item])
  const kept = articles.of([item])
  expect(kept.map(String)).toEqual(Array.from({ length: 10 }, (_, number) => `{"id":${number}}`))
  expect(kept.map(bytes => bytes.buffer.byteLength)).toEqual(kept.map(bytes => bytes.length))
})
