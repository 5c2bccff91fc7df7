import { readFileSync } from 'node:fs'

const pageBytes = 4096

/** Bytes that the kernel holds for all TCP connections of the machine, both ends (`/proc/net/sockstat`). */
export function kernelTcpBytes(): number {
  const [, pages] = /^TCP:.* mem (\d+)$/m.exec(readFileSync('/proc/net/sockstat', 'utf8')) ?? []
  return Number(pages) * pageBytes
}
