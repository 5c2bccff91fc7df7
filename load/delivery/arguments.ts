import { readOptions } from '../../src/commands/command-line.ts'
import {
  type StreamArguments,
  streamArguments,
  streamOptions,
  streamOptionsText,
  wholeOption,
} from '../options.ts'

/** What one run measures. */
export interface DeliveryArguments extends StreamArguments {
  readonly rounds: number
  /** Length of each phase. */
  readonly seconds: number
  /** How many clients; more than one number where a scenario compares them. */
  readonly clients: readonly number[]
  /** Events per batch. */
  readonly sizes: readonly number[]
}

/** What a scenario measures where nothing else is said. */
export interface DeliveryDefaults {
  readonly name: string
  readonly clients: readonly number[]
  readonly sizes: readonly number[]
}

const options = {
  ...streamOptions,
  seconds: { type: 'string' },
  clients: { type: 'string', multiple: true },
  batch: { type: 'string', multiple: true },
} as const

const mostClients = 15_000

/** What `--help` prints. */
export function deliveryUsage(summary: string, { name, clients, sizes }: DeliveryDefaults): string {
  return `${summary}

  npm run load -- ${name} [options]

  --rounds N         every phase is measured N times in turn, medians are shown (5)
  --seconds N        length of each phase (2)
  --clients N        how many clients${clients.length > 1 ? '; may be given several times' : ''} (${clients.join(', ')})
  --batch N          events per batch; may be given several times (${sizes.join(', ')})
  --quick            one round of 1 s
${streamOptionsText}`
}

/** Reads the command line. Throws an error that says what is wrong. */
export function parseDeliveryArguments(
  args: readonly string[],
  { name, clients, sizes }: DeliveryDefaults,
): DeliveryArguments {
  const { values } = readOptions({ args: [...args], options })
  return {
    ...streamArguments(name, values),
    rounds: wholeOption('--rounds', values.rounds ?? (values.quick ? '1' : '5'), 100),
    seconds: wholeOption('--seconds', values.seconds ?? (values.quick ? '1' : '2'), 60),
    clients: values.clients?.map(text => wholeOption('--clients', text, mostClients)) ?? clients,
    sizes: values.batch?.map(text => wholeOption('--batch', text, 400)) ?? sizes,
  }
}
