import { adminVariables } from './admin-variables.ts'
import { authVariables } from './auth-variables.ts'
import { kafkaSaslVariables, kafkaTlsVariables } from './kafka-security-variables.ts'
import {
  deadLetterVariables,
  demoVariables,
  embeddedVariables,
  ingestVariables,
  kafkaVariables,
  topicVariables,
} from './log-variables.ts'
import { publishVariables } from './publish-variables.ts'
import { generalVariables, operationsVariables, streamVariables } from './stream-variables.ts'
import { limitVariables } from './limit-variables.ts'
import type { Variable } from './variable.ts'

/** The variables of one part of the configuration, by what they are called in it. */
export interface Section {
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
