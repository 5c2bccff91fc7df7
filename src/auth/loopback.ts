import { parseIpAddress } from '../ip-address.ts'

/** Whether a host (an IP address without brackets, or a name) never leaves this machine: 127.0.0.0/8, ::1, localhost. */
export function isLoopback(host: string): boolean {
  return parseIpAddress(host)?.range() === 'loopback' || host.toLowerCase() === 'localhost'
}
