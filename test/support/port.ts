import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below every system's range of ephemeral ports: from that range, a client that retries against a stopped
 * server can be given the server's own port, connects to itself, and the server cannot come back.
 */
const lowestPort = 15_000
const highestPort = 30_000
const attempts = 100

/** A port of 127.0.0.1 that nothing listens on, and that the system will not hand out. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    const port = randomInt(lowestPort, highestPort)
    if (await isFree(port)) return port
  }
  throw new Error(`127.0.0.1: none of ${attempts} ports from ${lowestPort} to ${highestPort} was free`)
}

/** Whether a server could listen on the port of 127.0.0.1 now. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    const listening = once(server, 'listening')
    server.listen(port, '127.0.0.1')
    await listening
  } catch {
    return false
  }
  const closed = once(server, 'close')
  server.close()
  await closed
  return true
}
