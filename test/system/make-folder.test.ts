import { mkdtemp, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeFolder } from '../../src/system/make-folder.ts'

async function ownFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-folder-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

test('makes a folder and those above it, for their owner alone; one that is there is left', async () => {
  const folder = await ownFolder()
  makeFolder(join(folder, 'a/b'))
  makeFolder(join(folder, 'a/b'))
  expect((await stat(join(folder, 'a'))).mode & 0o777).toBe(0o700)
})

// Cause: Node's recursive mkdir goes up at ENOENT and down again at EEXIST, for ever.
// Symptom: 90 % CPU, and no signal but SIGKILL ended the gateway.
// Seen: from outside, with TICKER_EMBEDDED_PATH below /proc.
test('throws where no folder can be', async () => {
  const link = join(await ownFolder(), 'link')
  await symlink('/no/such/place', link)
  expect(() => makeFolder('/proc/no/such/folder')).toThrow('ENOENT')
  expect(() => makeFolder(join(link, 'x/y'))).toThrow('EEXIST')
  expect(() => makeFolder('/dev/null/x')).toThrow('ENOTDIR')
})
