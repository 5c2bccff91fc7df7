import { readFileSync } from 'node:fs'

/** The version in `package.json`. */
export const version: string = readVersion()

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  const content: unknown = JSON.parse(text)
  if (typeof content === 'object' && content !== null && 'version' in content) return String(content.version)
  return 'unknown'
}
