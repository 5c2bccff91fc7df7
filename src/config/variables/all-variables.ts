import { authVariables } from './auth-variables.ts'
import { kafkaSaslVariables, kafkaTlsVariables } from './kafka-security-variables.ts'
import { limitVariables, publishVariables } from './limit-variables.ts'
import {
  adminVariables,
  generalVariables,
  operationsVariables,
  streamVariables,
} from './listener-variables.ts'
import {
  deadLetterVariables,
  demoVariables,
  embeddedVariables,
  ingestVariables,
  kafkaVariables,
  topicVariables,
} from './log-variables.ts'
import type { Variable } from './variable.ts'

/** The variables of one part of the configuration, under their keys. */
interface Section {
  readonly title: string
  readonly variables: Readonly<Record<string, Variable<unknown>>>
}

/** Every variable, in the order of the documents. */
export const sections: readonly Section[] = [
  { title: 'General', variables: generalVariables },
  { title: 'Stream', variables: streamVariables },
  { title: 'Operations', variables: operationsVariables },
  { title: 'Administration', variables: adminVariables },
  { title: 'Tokens', variables: authVariables },
  { title: 'Limits', variables: limitVariables },
  { title: 'Publishing by HTTP', variables: publishVariables },
  { title: 'Kafka', variables: kafkaVariables },
  { title: 'TLS to Kafka', variables: kafkaTlsVariables },
  { title: 'SASL to Kafka', variables: kafkaSaslVariables },
  { title: 'Topics', variables: topicVariables },
  { title: 'Dead letters', variables: deadLetterVariables },
  { title: 'Ingest', variables: ingestVariables },
  { title: 'Embedded log (development only)', variables: embeddedVariables },
  { title: 'Demo feed (development only)', variables: demoVariables },
]

export const variables: readonly Variable<unknown>[] = sections.flatMap(section =>
  Object.values(section.variables),
)

/** Returns the variables as `--help` shows them. */
export function configHelp(): string {
  const lines = ['Configuration, by environment variables; an empty one counts as absent.']
  for (const { title, variables: members } of sections) {
    lines.push('', title)
    for (const variable of Object.values(members)) {
      lines.push(`  ${namesOf(variable).join(' or ')}`)
      lines.push(`      ${variable.doc}`, `      ${variable.kind.expected}; default: ${variable.absent}`)
    }
  }
  return `${lines.join('\n').replaceAll('`', '')}\n`
}

/** Returns the variables as the Markdown table in `docs/configuration.md`. */
export function configTable(): string {
  const rows = ['| variable | value | default | what it decides |', '| --- | --- | --- | --- |']
  for (const { title, variables: members } of sections) {
    rows.push(`| **${title}** | | | |`)
    for (const variable of Object.values(members)) {
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
