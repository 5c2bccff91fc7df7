import { execFile } from 'node:child_process'
import { access, mkdir } from 'node:fs/promises'
import { delimiter, join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Outside of the project's own packages: one is old, and neither is needed for anything else. */
const folder = resolve('.cache/peers')
const installTimeoutMs = 120_000

/** A package of a peer, of exactly one version. */
export interface PeerPackage {
  readonly name: string
  readonly version: string
  /** What is loaded, in the package. */
  readonly entry: string
}

/** Where a package's entry lies. Installs the package if it is absent; rejects where it cannot. */
export async function peerPackage({ name, version, entry }: PeerPackage): Promise<string> {
  const own = join(folder, `${name.replaceAll(/[@/]/g, '_')}-${version}`)
  const path = join(own, 'node_modules', name, entry)
  if (await exists(path)) return path
  await mkdir(own, { recursive: true })
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-save', '--no-package-lock']
  await run('npm', ['install', '--prefix', own, ...options, `${name}@${version}`], {
    timeout: installTimeoutMs,
    cwd: own,
  })
  return path
}

/** A Node of one of these major versions, named by `TICKER_LOAD_OLD_NODE` or found on the path, if any. */
export async function oldNode(majors: readonly number[]): Promise<string | undefined> {
  const named = process.env['TICKER_LOAD_OLD_NODE']
  const onPath = (process.env['PATH'] ?? '').split(delimiter).map(place => join(place, 'node'))
  for (const candidate of named === undefined ? onPath : [named]) {
    const version = await run(candidate, ['--version']).then(
      ({ stdout }) => Number(/^v(\d+)\./.exec(stdout)?.[1]),
      () => undefined,
    )
    if (version !== undefined && majors.includes(version)) return candidate
  }
  return undefined
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
