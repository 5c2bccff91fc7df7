import { fileURLToPath } from 'node:url'

/** The command line of a program under `load/`, with options for Node itself and parameters of its own. */
export function program(
  file: string,
  nodeOptions: readonly string[] = [],
  parameters: readonly string[] = [],
): readonly [string, ...string[]] {
  return [process.execPath, ...nodeOptions, fileURLToPath(new URL(file, import.meta.url)), ...parameters]
}
