import { parseIpAddress } from '../../system/ip-address.ts'
import type { VariableReader } from '../variable-reader.ts'
import { adminVariables, operationsVariables, streamVariables } from '../variables/listener-variables.ts'
import type { Variable } from '../variables/variable.ts'

interface ListenerVariables {
  readonly host: Variable<string>
  readonly port: Variable<number>
}

/** Adds a fault where two listeners have the same port; on different addresses they may. */
export function checkPorts(reader: VariableReader): void {
  const before: ListenerVariables[] = []
  const listeners = [streamVariables, operationsVariables]
  for (const listener of reader.isSet(adminVariables.token) ? [...listeners, adminVariables] : listeners) {
    const port = reader.value(listener.port)
    const other = before.find(
      earlier =>
        port !== 0 &&
        port === reader.value(earlier.port) &&
        overlap(reader.value(listener.host), reader.value(earlier.host)),
    )
    if (other === undefined) before.push(listener)
    else reader.fault(listener.port, `is the same port as ${other.port.name}; change one of them`)
  }
}

/** Whether a connection could reach both listeners: one on a wildcard address listens on all. */
function overlap(one: string, other: string): boolean {
  return addressesOf(one).some(first =>
    addressesOf(other).some(
      second => first === second || includesAddress(first, second) || includesAddress(second, first),
    ),
  )
}

/** `::` includes IPv4. */
function includesAddress(all: string, address: string): boolean {
  return all === '::' || (all === '0.0.0.0' && !address.includes(':'))
}

/** Fastify listens on both addresses of localhost. */
function addressesOf(host: string): readonly string[] {
  if (host.toLowerCase() === 'localhost') return ['127.0.0.1', '::1']
  return [parseIpAddress(host)?.toString() ?? host.toLowerCase()]
}
