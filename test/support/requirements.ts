import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { messageOf, TickerError } from '../../src/diagnostics/ticker-error.ts'
import { withLock } from './lock.ts'

const run = promisify(execFile)

const installTimeoutMs = 540_000

/** A program that the tests run and npm does not bring. */
export interface Requirement {
  /** What it is for, as messages say it. */
  readonly purpose: string
  /** The names it may have; the first is Debian's. */
  readonly programs: readonly [string, ...string[]]
  readonly debianPackage: string
}

export const java: Requirement = {
  purpose: 'runs Kafka',
  programs: ['java'],
  debianPackage: 'openjdk-17-jre-headless',
}

export const maven: Requirement = {
  purpose: 'fetches Kafka',
  programs: ['mvn'],
  debianPackage: 'maven',
}

export const chromium: Requirement = {
  purpose: 'runs the browser tests',
  programs: ['chromium', 'chromium-browser', 'google-chrome'],
  debianPackage: 'chromium',
}

export const prometheus: Requirement = {
  purpose: 'runs the tests of the dashboard',
  programs: ['prometheus'],
  debianPackage: 'prometheus',
}

export const promtool: Requirement = {
  purpose: 'checks metrics and alerts',
  programs: ['promtool'],
  debianPackage: 'prometheus',
}

/** A program is absent and was not installed; the message says which it is and what installs it. */
export class RequirementError extends TickerError {
  readonly code = 'TICKER_TEST_REQUIREMENT'

  constructor({ programs, purpose, debianPackage }: Requirement, reason: string, options?: ErrorOptions) {
    super(
      `${programs[0]}: not found, and it ${purpose}. ${reason} ` +
        `On Debian: apt-get install -y --no-install-recommends ${debianPackage}`,
      options,
    )
  }
}

/** What finding and installing programs depends on. */
export interface Machine {
  /** The folders of programs, as in `PATH`. */
  readonly path: string
  readonly isRoot: boolean
  /** Told, in a line, of what takes long. */
  readonly report: (line: string) => void
}

const thisMachine: Machine = {
  path: process.env['PATH'] ?? '',
  isRoot: process.getuid?.() === 0,
  report: line => console.error(line),
}

/** Finds the programs that the tests need; root on a Debian-like system has absent ones installed. */
export class Requirements {
  readonly report: (line: string) => void
  readonly #machine: Machine
  #listsUpdated = false

  constructor(machine: Machine = thisMachine) {
    this.report = machine.report
    this.#machine = machine
  }

  /** The absolute path of the program. Rejects with a `RequirementError` if it is absent and cannot be installed. */
  async ensure(requirement: Requirement): Promise<string> {
    return this.#find(requirement.programs) ?? this.#install(requirement)
  }

  async #install(requirement: Requirement): Promise<string> {
    const apt = this.#find(['apt-get'])
    if (apt === undefined) throw new RequirementError(requirement, 'There is no apt-get to install it with.')
    if (!this.#machine.isRoot) throw new RequirementError(requirement, 'Only root may install it.')
    const { programs, purpose, debianPackage } = requirement
    this.report(`${programs[0]} (${purpose}) is absent: apt-get installs the package ${debianPackage} …`)
    try {
      // Two of apt-get at once fail on its own locks.
      await withLock(join(tmpdir(), 'ticker-apt-get.lock'), () => this.#runApt(apt, debianPackage))
    } catch (error) {
      throw new RequirementError(requirement, `apt-get failed: ${messageOf(error)}`, { cause: error })
    }
    const found = this.#find(programs)
    if (found === undefined) throw new RequirementError(requirement, `Its package did not bring it.`)
    return found
  }

  async #runApt(apt: string, debianPackage: string): Promise<void> {
    const options = {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      timeout: installTimeoutMs,
      maxBuffer: 64 * 1024 * 1024,
    }
    if (!this.#listsUpdated) await run(apt, ['update'], options)
    this.#listsUpdated = true
    await run(apt, ['install', '-y', '--no-install-recommends', debianPackage], options)
  }

  #find(programs: readonly string[]): string | undefined {
    const folders = this.#machine.path.split(delimiter)
    return programs.flatMap(program => folders.map(folder => join(folder, program))).find(isExecutable)
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
