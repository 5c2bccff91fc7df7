import { existsSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'

/**
 * Creates a folder (0700), and those above it. Throws where that is impossible. Node's own recursive `mkdir`
 * tries for ever on a file system that has no such folder and accepts none, such as `/proc`, and below a link
 * that leads nowhere.
 */
export function makeFolder(path: string): void {
  if (existsSync(path)) return
  makeFolder(dirname(path))
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    // Another process may have been faster.
    if (!existsSync(path)) throw error
  }
}
