import type { Variable } from './variable.ts'
import { sections } from './variables.ts'

/** The variables as `--help` shows them. */
export function configHelp(): string {
  const lines = ['Configuration, by environment variables; an empty one counts as absent.']
  for (const { title, variables } of sections) {
    lines.push('', title)
    for (const variable of Object.values(variables)) {
      lines.push(`  ${namesOf(variable).join(' or ')}`)
      lines.push(`      ${variable.doc}`, `      ${variable.kind.expected}; default: ${variable.absent}`)
    }
  }
  return `${lines.join('\n').replaceAll('`', '')}\n`
}

/** The variables as a Markdown table, which `docs/configuration.md` holds. */
export function configTable(): string {
  const rows = ['| variable | value | default | what it decides |', '| --- | --- | --- | --- |']
  for (const { title, variables } of sections) {
    rows.push(`| **${title}** | | | |`)
    for (const variable of Object.values(variables)) {
      const names = namesOf(variable).map(name => `\`${name}\``)
      const cells = [names.join(' or '), variable.kind.expected, variable.absent, variable.doc]
      rows.push(`| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    }
  }
  return `${rows.join('\n')}\n`
}

function namesOf(variable: Variable<unknown>): readonly string[] {
  return variable.isSecret ? [variable.name, `${variable.name}_FILE`] : [variable.name]
}
