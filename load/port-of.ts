import type { AddressInfo } from 'node:net'

/** The port of what a server's `address()` told. Throws where it listens on none. */
export function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port')
  return address.port
}
