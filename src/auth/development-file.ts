import { randomUUID } from 'node:crypto'
import { link, open, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { makeFolder } from '../system/make-folder.ts'
import { messageOf, TickerError } from '../diagnostics/ticker-error.ts'

/**
 * Generated keys or certificates are requested in production, or their file is damaged or readable by others.
 */
export class DevelopmentKeyError extends TickerError {
  readonly code = 'TICKER_DEVELOPMENT_KEY'
}

/**
 * Reads a file that contains a key; resolves to `undefined` where there is none. Rejects with a
 * `DevelopmentKeyError` where users other than its owner can read it.
 */
export async function readPrivateFile(path: string): Promise<string | undefined> {
  let file
  try {
    file = await open(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw new DevelopmentKeyError(
      `${path}: cannot be opened (${messageOf(error)}); correct its owner or remove it`,
      { cause: error },
    )
  }
  try {
    const stats = await file.stat()
    if (!stats.isFile()) throw new DevelopmentKeyError(`${path}: not a file; remove it`)
    const { mode } = stats
    // Windows has no such modes and reports 0666.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, '0')
      throw new DevelopmentKeyError(
        `${path}: mode ${octal} lets others read the key; remove it for a new one, or: chmod 600 ${path}`,
      )
    }
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}

/**
 * Writes a file of mode 0600 atomically, unless it exists: of several processes that write it at once, one
 * wins. Resolves to the text that the file then has.
 */
export async function createPrivateFile(path: string, text: string): Promise<string> {
  await writeAtomically(path, { text, mode: 0o600, put: linkUnlessExists })
  const placed = await readPrivateFile(path)
  if (placed === undefined) throw new DevelopmentKeyError(`${path}: removed while it was made; start again`)
  return placed
}

/** Writes a file that anyone may read atomically, replacing what is there. */
export async function replacePublicFile(path: string, text: string): Promise<void> {
  await writeAtomically(path, { text, mode: 0o644, put: rename })
}

interface AtomicWrite {
  readonly text: string
  readonly mode: number
  readonly put: (from: string, to: string) => Promise<void>
}

async function writeAtomically(path: string, { text, mode, put }: AtomicWrite): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    makeFolder(dirname(resolve(path)))
    await writeFile(temporary, text, { flag: 'wx', mode, flush: true })
    await put(temporary, path)
  } catch (error) {
    throw new DevelopmentKeyError(`${path}: cannot be made (${messageOf(error)}); make its folder writable`, {
      cause: error,
    })
  } finally {
    await rm(temporary, { force: true })
  }
}

async function linkUnlessExists(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
