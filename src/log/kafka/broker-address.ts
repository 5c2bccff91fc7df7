import { KafkaError } from './kafka-error.ts'
import type { BrokerAddress } from './metadata.ts'

const pattern = /^(?:\[(?<bracketed>[^\]]+)\]|(?<plain>[^:]+)):(?<port>\d{1,5})$/

/** The address in `host:port`; an IPv6 address stands in brackets. Throws a `KafkaError`. */
export function brokerAddress(text: string): BrokerAddress {
  const { bracketed, plain, port } = pattern.exec(text)?.groups ?? {}
  const host = bracketed ?? plain
  if (host === undefined || port === undefined) {
    throw new KafkaError(`${text}: expected a broker as host:port`, { severity: 'fatal' })
  }
  return { host, port: Number(port) }
}
