import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { TickerError } from '../../src/diagnostics/ticker-error.ts'

/** A program that the tests run and npm does not install. */
export interface RequiredProgram {
  /** The names that it may have; the first is Debian's. */
  readonly names: readonly [string, ...string[]]
  readonly purpose: string
  readonly debianPackage: string
}

export const requiredPrograms = {
  java: { names: ['java'], purpose: 'runs Kafka', debianPackage: 'openjdk-17-jre-headless' },
  chromium: {
    names: ['chromium', 'chromium-browser', 'google-chrome'],
    purpose: 'runs the browser tests',
    debianPackage: 'chromium',
  },
  prometheus: { names: ['prometheus'], purpose: 'runs the dashboard tests', debianPackage: 'prometheus' },
  promtool: { names: ['promtool'], purpose: 'checks metrics and alerts', debianPackage: 'prometheus' },
  nginx: { names: ['nginx'], purpose: 'runs the proxy tests', debianPackage: 'nginx-light' },
  haproxy: { names: ['haproxy'], purpose: 'runs the proxy tests', debianPackage: 'haproxy' },
  openssl: { names: ['openssl'], purpose: 'makes certificates', debianPackage: 'openssl' },
  curl: { names: ['curl'], purpose: 'checks development certificates', debianPackage: 'curl' },
} as const satisfies Readonly<Record<string, RequiredProgram>>

export type ProgramName = keyof typeof requiredPrograms

/** The tests need something that the set-up has not installed yet. */
export class SetUpError extends TickerError {
  readonly code = 'TICKER_TEST_SET_UP'

  constructor(missing: string) {
    super(`${missing}: not found, and the tests need it. Run: npm run test:setup`)
  }
}

/** Debian keeps the programs of servers where the `PATH` of most users does not lead. */
const usualPath = [process.env['PATH'], '/usr/local/sbin', '/usr/sbin'].join(delimiter)

/** Returns the absolute path of a program; throws a `SetUpError` if it is not installed. */
export function programPath(name: ProgramName): string {
  const found = findProgram(requiredPrograms[name])
  if (found === undefined) throw new SetUpError(name)
  return found
}

/** Looks for a program in the folders of a `PATH`. */
export function findProgram({ names }: Pick<RequiredProgram, 'names'>, path = usualPath): string | undefined {
  const folders = path.split(delimiter)
  return names.flatMap(name => folders.map(folder => join(folder, name))).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
