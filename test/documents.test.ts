import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { sections } from '../src/config/variables/all-variables.ts'

const root = join(import.meta.dirname, '..')
const documents = globSync(['*.md', 'docs/**/*.md'], { cwd: root })
const variables = new Set<string>(
  sections.flatMap(section => Object.values(section.variables).map(({ name }) => name)),
)

test('there are documents to check', () => {
  expect(documents).toContain('README.md')
})

test.each(documents)('%s links only to files and headings that exist', document => {
  const broken = matches(document, /\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g).filter(
    ([path = '', heading]) => {
      const target = path === '' ? join(root, document) : join(root, dirname(document), path)
      return !existsSync(target) || (heading !== undefined && !headingsOf(target).includes(heading))
    },
  )

  expect(broken).toEqual([])
})

test.each(documents)('%s names only files of src, test and load that exist', document => {
  const paths = matches(document, /`((?:src|test|load)\/[\w./-]+)`/g).map(([path = '']) => path)

  expect(paths.filter(path => !existsSync(join(root, path)))).toEqual([])
})

// The table of docs/configuration.md is generated, and CHANGELOG.md names what is gone.
test.each(documents.filter(document => !/^CHANGELOG|configuration/.test(document)))(
  '%s names only variables of the configuration that exist',
  document => {
    const named = matches(document, /`(TICKER_(?!LOAD_|TEST_|LONG_|SOAK_)[A-Z_]+[A-Z])`/g).flat()

    expect(named.filter(name => !isVariable(name))).toEqual([])
  },
)

// Cause: the commands refuse unknown variables that begin with TICKER_, and docs/clients.md exported TICKER_URL.
// Symptom: the next line of the page, npm run token, printed a fault in place of a token.
// Seen by a reader who typed what the page has.
test.each(documents)('%s sets no variable in its commands that the programs would refuse', document => {
  const set = commandsOf(document).flatMap(block =>
    [...block.matchAll(/\b(TICKER_(?!TEST_|LOAD_|LONG_|SOAK_)\w+)=/g)].map(([, name]) => name),
  )

  // The token is for the clients that the project has.
  expect(set.filter(name => !isVariable(name) && name !== 'TICKER_TOKEN')).toEqual([])
})

/** The blocks of commands in a document. */
function commandsOf(document: string): string[] {
  return readFileSync(join(root, document), 'utf8').match(/^ *```sh$[^]*?^ *```$/gm) ?? []
}

/** The groups of each match in a document, outside of its blocks of code. */
function matches(document: string, pattern: RegExp): (string | undefined)[][] {
  const text = readFileSync(join(root, document), 'utf8').replaceAll(/^```[^]*?^```$/gm, '')
  return [...text.matchAll(pattern)].map(([, ...groups]) => groups)
}

/** A secret may also be in the file that a second variable names. */
function isVariable(name = ''): boolean {
  return variables.has(name) || variables.has(name.replace(/_FILE$/, ''))
}

/** The anchors of a document's headings, as GitHub makes them. */
function headingsOf(path: string): string[] {
  return [...readFileSync(path, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )
}
