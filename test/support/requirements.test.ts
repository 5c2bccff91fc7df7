import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { chromium, java, RequirementError, Requirements } from './requirements.ts'

let folder: string
let reported: string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticker-requirements-'))
  reported = []
})

afterEach(() => rm(folder, { recursive: true }))

test('finds a program on the path and installs nothing', async () => {
  await writeProgram('chromium-browser', '')

  expect(await requirements('user').ensure(chromium)).toBe(join(folder, 'chromium-browser'))
  expect(reported).toEqual([])
})

test('names the program, its package and the command when it may not install', async () => {
  await writeProgram('apt-get', '')

  const attempt = requirements('user').ensure(java)

  await expect(attempt).rejects.toThrow(RequirementError)
  await expect(attempt).rejects.toThrow(
    'java: not found, and it runs Kafka. Only root may install it. ' +
      'On Debian: apt-get install -y --no-install-recommends openjdk-17-jre-headless',
  )
})

test('names them where there is no apt-get as well', async () => {
  await expect(requirements('root').ensure(java)).rejects.toThrow(
    /java: .*no apt-get.*openjdk-17-jre-headless/,
  )
})

test('as root installs what is absent, says so, and updates the package lists once', async () => {
  await writeProgram(
    'apt-get',
    `echo "$*" >> ${folder}/calls; for last; do :; done; install -m 755 /dev/null ${folder}/$last`,
  )
  const root = requirements('root')

  await root.ensure(chromium)
  await root.ensure({ purpose: 'is a second one', programs: ['second'], debianPackage: 'second' })

  expect((await readFile(join(folder, 'calls'), 'utf8')).split('\n')).toEqual([
    'update',
    'install -y --no-install-recommends chromium',
    'install -y --no-install-recommends second',
    '',
  ])
  expect(reported).toEqual([
    'chromium (runs the browser tests) is absent: apt-get installs the package chromium …',
    'second (is a second one) is absent: apt-get installs the package second …',
  ])
})

test('tells what apt-get said when it fails', async () => {
  await writeProgram('apt-get', 'echo "E: no network" >&2; exit 100')

  await expect(requirements('root').ensure(chromium)).rejects.toThrow(/chromium: .*E: no network.*On Debian/s)
})

function requirements(user: 'root' | 'user'): Requirements {
  return new Requirements({ path: folder, isRoot: user === 'root', report: line => reported.push(line) })
}

async function writeProgram(name: string, script: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`)
  await chmod(join(folder, name), 0o755)
}
