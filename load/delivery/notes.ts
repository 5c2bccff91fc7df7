import { gatewaySettings } from '../gateway-process.ts'
import type { DeliveryArguments } from './arguments.ts'

/** What the figures depend on and what the words mean. */
export function notesOf(machine: readonly string[], load: DeliveryArguments): string[] {
  const { rounds, seconds, form, isTls } = load
  const settings = Object.entries(gatewaySettings).map(([name, value]) => `${name}=${value}`)
  return [
    `${machine.join('; ')}.`,
    `${rounds} round${rounds === 1 ? '' : 's'} of ${seconds} s phases after one that is thrown away, servers in turn; median (lowest–highest round).`,
    `Wire form ${form}${isTls ? ' over TLS' : ''}.`,
    'A delivery is one event to one client. Server CPU is all of the process, kernel included;',
    'of the gateway’s, what the same batches cost when nobody wants them is taken off as reading (Kafka, checks, the window) and told in the next columns.',
    'Latency: from just before a batch begins (gateway: before its request to Kafka, Kafka included) to the client’s read.',
    'kB a connection: growth of the server’s memory while the clients connect, uncollected.',
    `Held: ${settings.join(' ')}.`,
  ]
}
