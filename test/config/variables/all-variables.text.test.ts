import { expect, test } from 'vitest'
import { configHelp, configTable, variables } from '../../../src/config/variables/all-variables.ts'

test('the help and the table name every variable once, with its rule, default and line', () => {
  const help = configHelp()
  const table = configTable()
  for (const { name, kind, absent, doc } of variables) {
    expect(help.split('\n').filter(line => line.trim().split(' ')[0] === name)).toHaveLength(1)
    expect(help).toContain(`${kind.expected}; default: ${absent.replaceAll('`', '')}`)
    const [row, ...others] = table.split('\n').filter(line => line.startsWith(`| \`${name}\``))
    expect(others).toEqual([])
    expect(row).toContain(`| ${kind.expected} | ${absent} | ${doc} |`)
  }
})

test('a secret is shown with its file', () => {
  expect(configHelp()).toContain('TICKER_JWT_PUBLIC_KEY or TICKER_JWT_PUBLIC_KEY_FILE')
  expect(configTable()).toContain('| `TICKER_JWT_PUBLIC_KEY` or `TICKER_JWT_PUBLIC_KEY_FILE` |')
})

test('every row of the table has four cells', () => {
  for (const row of configTable().trimEnd().split('\n')) expect(row.match(/(?<!\\)\|/g)).toHaveLength(5)
})

test('no two variables have one name', () => {
  expect(new Set(variables.map(({ name }) => name)).size).toBe(variables.length)
})
