import { readFile } from 'node:fs/promises'
import type { FastifyInstance } from 'fastify'
import { isLoopback } from '../system/ip-address.ts'

export interface PageOptions {
  /** Signs a token for one page view; it is part of the page, never of a URL. */
  readonly signToken: () => Promise<string>
  /** The source of the events in words, such as `demo feed (generated)`. */
  readonly source: string
}

const types = { css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8' } as const

const headers = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " +
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
} as const

/**
 * Serves `/`, the plain-`WebSocket` client of the README. Only in development, and only if `Host` is
 * loopback: a page of another site whose name was rebound to 127.0.0.1 cannot read the token.
 */
export async function servePage(app: FastifyInstance, options: PageOptions): Promise<void> {
  const page = await readPageFile('index.html')
  app.get('/', async (request, reply) => {
    if (!isLoopback(request.hostname.replace(/^\[|\]$/g, ''))) {
      return await reply
        .code(403)
        .send({ error: `Host ${request.host}: this page is served on loopback only` })
    }
    const html = page.replace('{{token}}', await options.signToken()).replace('{{source}}', options.source)
    return await reply.headers(headers).type('text/html; charset=utf-8').send(html)
  })
  for (const name of ['client.js', 'table.js', 'style.css'] as const) {
    const text = await readPageFile(name)
    const type = name.endsWith('.css') ? types.css : types.js
    app.get(`/page/${name}`, (_request, reply) => reply.headers(headers).type(type).send(text))
  }
}

function readPageFile(name: string): Promise<string> {
  return readFile(new URL(`page/${name}`, import.meta.url), 'utf8')
}
