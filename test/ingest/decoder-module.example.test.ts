import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decodeBuiltIn, type RecordSource } from '../../src/event/decoder.ts'
import { parseEvent } from '../../src/event/parse-event.ts'
import type { LogRecord } from '../../src/event/log-record.ts'
import { openDecoder } from '../../src/ingest/decoder-module.ts'

const document = readFileSync(new URL('../../docs/decoders.md', import.meta.url), 'utf8')
const [, module] = /```js decoder\n(.*?)```/s.exec(document)!
const [, line, event] = /^ {4}(TRD\S+) +→ +(\{.*\})$/m.exec(document)!

const source: RecordSource = { topic: 'house', partition: 0, decodeBuiltIn }

const record = (value: string | null): LogRecord => ({
  offset: 0,
  timestampMs: 0,
  key: null,
  value: value === null ? null : Buffer.from(value),
  headers: [],
})

test('the decoder of the document turns the line of the document into its event', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-decoder-'))
  const path = join(folder, 'decoder.mjs')
  await writeFile(path, module!)
  const { decode } = await openDecoder(path)
  await rm(folder, { recursive: true })
  const decoded = decode(record(line!), source)
  expect(decoded).toEqual(JSON.parse(event!))
  expect(parseEvent(decoded)).toBe(decoded)
  expect(decode(record('HBT|1'), source)).toBeUndefined()
  expect(decode(record(null), source)).toBeUndefined()
  expect(() => decode(record('TRD|AAPL|1'), source)).toThrow('fewer than five columns')
})
