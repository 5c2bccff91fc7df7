import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { promisify } from 'node:util'
import { messageOf } from '../../src/diagnostics/ticker-error.ts'
import { fetchKafkaJars, jarsFolder, kafkaVersion } from './kafka-jars.ts'
import { findProgram, requiredPrograms, type RequiredProgram } from './required-programs.ts'

const run = promisify(execFile)
const installTimeoutMs = 540_000

const maven: RequiredProgram = { names: ['mvn'], purpose: 'fetches Kafka', debianPackage: 'maven' }

/** Kafka, as the set-up sees it. */
export interface KafkaDownload {
  readonly version: string
  readonly isFetched: () => boolean
  readonly fetch: (maven: string) => Promise<void>
}

export interface SetUpOptions {
  readonly programs: readonly RequiredProgram[]
  readonly kafka: KafkaDownload
  /** False: only looks. */
  readonly mayInstall: boolean
  /** Only root may run apt-get. */
  readonly isRoot: boolean
  /** Where to look for programs; the usual folders if left out. */
  readonly path?: string
  /** Receives a line of the report. */
  readonly print: (line: string) => void
}

/** The set-up of this machine, for all tests or for Kafka alone; it prints its report. */
export function createSetUp(
  scope: 'everything' | 'Kafka',
  options: Pick<SetUpOptions, 'mayInstall'> = { mayInstall: true },
): SetUp {
  return new SetUp({
    programs: scope === 'Kafka' ? [requiredPrograms.java] : Object.values(requiredPrograms),
    kafka: { version: kafkaVersion, isFetched: () => existsSync(jarsFolder), fetch: fetchKafkaJars },
    isRoot: process.getuid?.() === 0,
    print: line => console.log(line),
    ...options,
  })
}

/** Looks for what the tests need and installs what is missing, where it may. */
export class SetUp {
  readonly #options: SetUpOptions
  #hasUpdated = false

  constructor(options: SetUpOptions) {
    this.#options = options
  }

  /**
   * Reports every program and Kafka, a line or two each; resolves with whether everything is there at the
   * end.
   */
  async run(): Promise<boolean> {
    let isComplete = true
    for (const program of this.#options.programs) {
      if ((await this.#provide(program)) === undefined) isComplete = false
    }
    return (await this.#provideKafka()) && isComplete
  }

  async #provide(program: RequiredProgram): Promise<string | undefined> {
    const { mayInstall, isRoot } = this.#options
    const found = this.#find(program)
    if (found !== undefined) {
      this.#report(program.names[0], found)
      return found
    }
    const command = `apt-get install -y --no-install-recommends ${program.debianPackage}`
    const reason = `missing; it ${program.purpose}`
    const apt = this.#find({ names: ['apt-get'] })
    if (!mayInstall || !isRoot || apt === undefined) {
      this.#report(program.names[0], `${reason}. On Debian, as root: ${command}`)
      return undefined
    }
    this.#report(program.names[0], `${reason}. Installing: ${command}`)
    return await this.#install(apt, program)
  }

  async #install(apt: string, program: RequiredProgram): Promise<string | undefined> {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const options = { env, timeout: installTimeoutMs, maxBuffer: 64 * 1024 * 1024 }
    try {
      if (!this.#hasUpdated) await run(apt, ['update'], options)
      this.#hasUpdated = true
      await run(apt, ['install', '-y', '--no-install-recommends', program.debianPackage], options)
    } catch (error) {
      this.#report(program.names[0], `not installed: ${messageOf(error)}`)
      return undefined
    }
    const found = this.#find(program)
    this.#report(
      program.names[0],
      found ?? `still missing after the installation of ${program.debianPackage}`,
    )
    return found
  }

  async #provideKafka(): Promise<boolean> {
    const { kafka, mayInstall } = this.#options
    const name = `Kafka ${kafka.version}`
    if (kafka.isFetched()) {
      this.#report(name, 'fetched')
      return true
    }
    if (!mayInstall) {
      this.#report(name, 'missing; npm run test:setup fetches it with Maven')
      return false
    }
    const program = await this.#provide(maven)
    if (program === undefined) return false
    this.#report(name, 'missing; Maven fetches it (43 MB, about a minute, once)')
    try {
      await kafka.fetch(program)
    } catch (error) {
      this.#report(name, `not fetched: ${messageOf(error)}`)
      return false
    }
    this.#report(name, 'fetched')
    return true
  }

  #find(program: Pick<RequiredProgram, 'names'>): string | undefined {
    return findProgram(program, this.#options.path)
  }

  #report(name: string, state: string): void {
    this.#options.print(`${name.padEnd(12)} ${state}`)
  }
}
