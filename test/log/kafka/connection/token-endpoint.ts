import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** What was asked of an endpoint. */
export interface TokenQuestion {
  readonly authorization: string | undefined
  readonly body: URLSearchParams
}

export interface TokenEndpointAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as it is where it is text, otherwise as JSON. */
  readonly body: unknown
}

/** A token endpoint on loopback, and what it was asked. */
export interface StartedEndpoint {
  readonly url: string
  readonly questions: readonly TokenQuestion[]
  stop(): Promise<void>
}

/** Starts one that gives the answers of a function. */
export async function startTokenEndpoint(answer: () => TokenEndpointAnswer): Promise<StartedEndpoint> {
  const questions: TokenQuestion[] = []
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    const question = new URLSearchParams(await text(request))
    questions.push({ authorization: request.headers.authorization, body: question })
    const { status = 200, headers, body } = answer()
    response.writeHead(status, headers)
    response.end(typeof body === 'string' ? body : JSON.stringify(body))
  }
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => response.destroy(Error(String(error))))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/token`,
    questions,
    stop: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

/** A token that nobody signed, as Kafka's own validator for tests takes it. */
export function unsecuredToken(user: string, lifeSeconds: number): string {
  const now = Date.now() / 1000
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ sub: user, iat: now - 60, exp: now + lifeSeconds })}.`
}
