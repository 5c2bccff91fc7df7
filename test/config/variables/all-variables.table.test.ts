import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { configTable } from '../../../src/config/variables/all-variables.ts'

const document = new URL('../../../docs/configuration.md', import.meta.url)

test('docs/configuration.md has the current table between its configuration markers', () => {
  expect(tableOf(readFileSync(document, 'utf8'))).toBe(configTable().trim())
})

/** The text between the markers, which have to be there. */
function tableOf(text: string): string {
  const match = /<!-- configuration -->\n(.*?)<!-- \/configuration -->/s.exec(text)
  expect(
    match,
    'docs/configuration.md has no <!-- configuration --> … <!-- /configuration -->; put configTable() there',
  ).not.toBeNull()
  return (match?.[1] ?? '').trim()
}
