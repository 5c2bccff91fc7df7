import autocannon, { type AutocannonResult } from 'autocannon'
import { quantileOf } from '../../lib/statistics.ts'
import type { TapeRecord } from '../../kafka/tape-records.ts'

interface PostingOptions {
  readonly url: string
  readonly token: string
  readonly connections: number
  readonly seconds: number
  readonly size: number
  readonly records: readonly TapeRecord[]
}

/** Different bodies that are sent in turn. */
const bodies = 100

/** Posts events for some seconds. Rejects where any request was not taken. */
export async function post(options: PostingOptions) {
  const { size } = options
  const latenciesMs: number[] = []
  const result = await shoot(options, ms => latenciesMs.push(ms))
  const { '2xx': requests, non2xx, errors, timeouts, duration: seconds } = result
  if (non2xx + errors + timeouts > 0 || requests === 0) {
    const failed = `${non2xx} refused, ${errors} failed, ${timeouts} timed out`
    throw new Error(`${requests} posts were taken, ${failed}`)
  }
  const p50Ms = quantileOf(latenciesMs, 0.5)
  return { requests, events: requests * size, seconds, p50Ms, p99Ms: quantileOf(latenciesMs, 0.99) }
}

function shoot(
  { url, token, connections, seconds, size, records }: PostingOptions,
  onResponse: (ms: number) => void,
): Promise<AutocannonResult> {
  const requests = Array.from({ length: bodies }, (_, number) => ({
    body: bodyOf(records, number * size, size),
  }))
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    autocannon(
      { url, connections, duration: seconds, method: 'POST', headers, requests },
      (error, result) => {
        if (error === null) resolve(result)
        else reject(error)
      },
    ).on('response', (_client: unknown, _status: unknown, _bytes: unknown, ms: number) => onResponse(ms))
  })
}

function bodyOf(records: readonly TapeRecord[], from: number, size: number): string {
  const values = records.slice(from, from + size).map(({ value }) => value)
  return `[${values.join(',')}]`
}

/** How publishing went; latencies are from a request to its answer. */
export type Published = Awaited<ReturnType<typeof post>>
