import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { sections } from '../../src/config/variables/all-variables.ts'

const root = new URL('../../', import.meta.url)
const page = readFileSync(new URL('docs/security.md', root), 'utf8')

/** The tests that the page names, as "`file` *name*, *name*". */
const named = [...page.matchAll(/`(test\/[^`]+\.test\.ts)` ((?:\*(?: \* |[^*|])+\*(?:, )?)+)/g)].flatMap(
  ([, file = '', names = '']) =>
    names
      .slice(1, names.lastIndexOf('*'))
      .split('*, *')
      .map(name => [file, name] as const),
)

test('docs/security.md names tests', () => {
  expect(named.length).toBeGreaterThan(50)
})

test.each(named)('%s has a test named "%s"', (file, name) => {
  const source = readFileSync(new URL(file, root), 'utf8')

  expect(source.includes(`'${name}'`) || source.includes(`"${name}"`)).toBe(true)
})

test('docs/security.md names every file of attacks', () => {
  const files = readdirSync(new URL('test/security/', root)).filter(file => file.endsWith('.test.ts'))

  for (const file of files) expect(page).toContain(`test/security/${file}`)
})

test('the variables that docs/security.md names exist', () => {
  const known: readonly string[] = sections.flatMap(({ variables }) =>
    Object.values(variables).map(({ name }) => name),
  )
  const variables = [...page.matchAll(/`(TICKER_[A-Z_]+)`/g)].map(([, name = '']) => name)

  expect(variables.filter(name => !known.includes(name))).toEqual([])
})
