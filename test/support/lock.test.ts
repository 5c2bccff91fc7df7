import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { withLock } from './lock.ts'

test('lets one at a time work, also after one that failed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-lock-'))
  const file = join(folder, 'made', 'lock')
  let working = 0
  const work = async (name: string): Promise<string> => {
    working += 1
    expect(working).toBe(1)
    await new Promise(resolve => setImmediate(resolve))
    working -= 1
    if (name === 'b') throw new Error('b failed')
    return name
  }

  const results = await Promise.allSettled(['a', 'b', 'c'].map(name => withLock(file, () => work(name))))

  expect(results).toEqual([
    { status: 'fulfilled', value: 'a' },
    { status: 'rejected', reason: new Error('b failed') },
    { status: 'fulfilled', value: 'c' },
  ])
  await rm(folder, { recursive: true })
})
