import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { requiredPrograms } from './required-programs.ts'
import { SetUp, type SetUpOptions } from './set-up.ts'

const { java, chromium } = requiredPrograms

let folder: string
let printed: string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticker-set-up-'))
  printed = []
})

afterEach(() => rm(folder, { recursive: true }))

test('says where it has found a program, and installs nothing', async () => {
  await writeProgram('apt-get', 'exit 1')
  await writeProgram('chromium-browser', '')

  expect(await setUp({ programs: [chromium] })).toBe(true)
  expect(printed).toEqual([`chromium     ${folder}/chromium-browser`, 'Kafka 1.2.3  fetched'])
})

test.each<Partial<SetUpOptions>>([{ isRoot: false }, { mayInstall: false }])(
  'names what is missing and how to get it with %o',
  async options => {
    await writeProgram('apt-get', 'exit 1')

    expect(await setUp({ programs: [java], ...options })).toBe(false)
    expect(printed[0]).toBe(
      'java         missing; it runs Kafka. ' +
        'On Debian, as root: apt-get install -y --no-install-recommends openjdk-17-jre-headless',
    )
  },
)

test('says so where there is no apt-get', async () => {
  expect(await setUp({ programs: [java] })).toBe(false)
  expect(printed[0]).toMatch(/^java .*missing.*openjdk-17-jre-headless/)
})

test('as root installs what is missing, and updates the package lists once', async () => {
  await writeProgram(
    'apt-get',
    `echo "$*" >> ${folder}/calls; for last; do :; done; install -m 755 /dev/null ${folder}/$last`,
  )
  const second = { purpose: 'is a second one', names: ['second'], debianPackage: 'second' } as const

  expect(await setUp({ programs: [chromium, second] })).toBe(true)
  expect((await readFile(join(folder, 'calls'), 'utf8')).split('\n')).toEqual([
    'update',
    'install -y --no-install-recommends chromium',
    'install -y --no-install-recommends second',
    '',
  ])
  expect(printed).toContain(`chromium     ${folder}/chromium`)
})

test('repeats what apt-get said when it fails', async () => {
  await writeProgram('apt-get', 'echo "E: no network" >&2; exit 100')

  expect(await setUp({ programs: [chromium] })).toBe(false)
  expect(printed.join('\n')).toMatch(/chromium +not installed: .*E: no network/s)
})

test('fetches Kafka with Maven, unless it was only to look', async () => {
  await writeProgram('mvn', '')
  let fetchedWith = ''
  const kafka = {
    version: '1.2.3',
    isFetched: () => false,
    fetch: async (maven: string) => {
      fetchedWith = maven
    },
  }

  expect(await setUp({ kafka, mayInstall: false })).toBe(false)
  expect(fetchedWith).toBe('')
  expect(await setUp({ kafka })).toBe(true)
  expect(fetchedWith).toBe(join(folder, 'mvn'))
})

test.each([
  { args: ['--help'], code: 0, output: /--check +installs nothing/, errors: '' },
  { args: ['--check', '--kafka'], code: 0, output: /^java +\/.*\nKafka .* fetched\n$/, errors: '' },
  {
    args: ['--chek'],
    code: 2,
    output: /^$/,
    errors: "test:setup: Unknown option '--chek'; --help shows the options\n",
  },
])('answers $args with code $code', async ({ args, code, output, errors }) => {
  const command = spawn(process.execPath, [join(import.meta.dirname, 'set-up-command.ts'), ...args])
  const [out, err, ended] = await Promise.all([
    text(command.stdout),
    text(command.stderr),
    once(command, 'exit'),
  ])

  expect(out).toMatch(output)
  expect(err).toBe(errors)
  expect(ended).toEqual([code, null])
})

/** A set-up by root that looks for programs in the test's folder alone. */
async function setUp(options: Partial<SetUpOptions>): Promise<boolean> {
  return await new SetUp({
    programs: [],
    kafka: { version: '1.2.3', isFetched: () => true, fetch: () => Promise.resolve() },
    mayInstall: true,
    isRoot: true,
    path: folder,
    print: line => printed.push(line),
    ...options,
  }).run()
}

async function writeProgram(name: string, script: string): Promise<void> {
  await writeFile(join(folder, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
}
