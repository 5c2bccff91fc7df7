import { defaultForm, formNamed, formNames } from './forms.ts'

/** The options that every scenario has, for `parseArgs`. */
export const commonOptions = {
  rounds: { type: 'string' },
  json: { type: 'string' },
  kafka: { type: 'string' },
  quick: { type: 'boolean', default: false },
} as const

/** Those of the scenarios that have subscribers, for `parseArgs`. */
export const streamOptions = {
  ...commonOptions,
  html: { type: 'string' },
  form: { type: 'string', default: defaultForm },
  tls: { type: 'boolean', default: false },
  profile: { type: 'string' },
} as const

/** How `streamOptions` are described to their users. */
export const streamOptionsText = `  --form NAME        wire form of the gateway's clients and the floor's: ${formNames.join(', ')} (${defaultForm})
  --tls              clients come over TLS, with a self-signed certificate
  --kafka HOST:PORT  a broker that runs already; otherwise one is started (Java and Maven are needed)
  --json FILE        every figure as JSON (.cache/load/NAME.json)
  --html FILE        tables and plots as a page (.cache/load/NAME.html)
  --profile FOLDER   takes a CPU profile of the gateway and prints where its time went; the other figures suffer
  --help             shows this
`

/** What the scenarios with subscribers have in common. */
export interface StreamArguments {
  readonly form: string
  readonly isTls: boolean
  readonly kafka: string | undefined
  readonly json: string
  readonly html: string
  readonly profile: string | undefined
}

interface StreamValues {
  readonly form: string
  readonly tls: boolean
  readonly kafka?: string | undefined
  readonly json?: string | undefined
  readonly html?: string | undefined
  readonly profile?: string | undefined
}

/** Reads the values of `streamOptions`. Throws an error that names the option, the value and the rule. */
export function streamArguments(scenario: string, values: StreamValues): StreamArguments {
  formNamed(values.form)
  return {
    form: values.form,
    isTls: values.tls,
    kafka: values.kafka,
    json: values.json ?? `.cache/load/${scenario}.json`,
    html: values.html ?? `.cache/load/${scenario}.html`,
    profile: values.profile,
  }
}

/** Reads a whole number of 1 or more. Throws an error that names the option, the value and the rule. */
export function wholeOption(option: string, text: string, highest: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (value >= 1 && value <= highest) return value
  throw new Error(`${option} ${text}: expected a whole number, 1 to ${highest}`)
}
