import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Guard } from './guard.ts'

test('kills what it watches and removes the folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'ticker-guard-'))
  const sleeper = spawn('sleep', ['600'])
  const ended = once(sleeper, 'exit')
  const guard = new Guard(folder)
  guard.watch(sleeper.pid)

  await guard.end()

  expect(await ended).toEqual([null, 'SIGKILL'])
  expect(existsSync(folder)).toBe(false)
})

test('leaves alone what it no longer watches', async () => {
  const sleeper = spawn('sleep', ['600'])
  const ended = once(sleeper, 'exit')
  const guard = new Guard('')
  guard.watch(sleeper.pid)
  guard.watch(undefined)

  await guard.end()
  sleeper.kill('SIGTERM')

  expect(await ended).toEqual([null, 'SIGTERM'])
})

test('acts when its owner is killed', async () => {
  const sleeper = spawn('sleep', ['600'])
  const ended = once(sleeper, 'exit')
  const owner = spawn(process.execPath, [
    '--eval',
    `import { Guard } from '${join(import.meta.dirname, 'guard.ts')}'
     new Guard('').watch(${sleeper.pid})
     console.log('watching')
     setInterval(() => {}, 1000)`,
    '--input-type=module',
  ])
  await once(owner.stdout, 'data')

  owner.kill('SIGKILL')

  expect(await ended).toEqual([null, 'SIGKILL'])
})
