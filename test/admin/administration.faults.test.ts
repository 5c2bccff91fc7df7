import Fastify from 'fastify'
import { expect, test } from 'vitest'
import { serveAdministration } from '../../src/admin/administration.ts'
import { Drain } from '../../src/admin/drain.ts'
import { Revocations } from '../../src/auth/revocations.ts'
import { Secret } from '../../src/diagnostics/secret.ts'
import { systemClock } from '../../src/system/clock.ts'
import { adminToken } from './admin-client.ts'

/** The listener on sessions of which only the revocation is real. */
function serve(revocations: Revocations, list: () => never = () => expect.unreachable()) {
  const lines: string[] = []
  const app = Fastify({ logger: { stream: { write: line => lines.push(line) } } })
  const sessions = {
    list,
    end: () => false,
    rebalance: () => 0,
    revoke: (request: Parameters<Revocations['add']>[0]) => ({
      revocation: revocations.add(request),
      sessions: 0,
    }),
  }
  const drain = new Drain({ sessions: { size: 0, drain: () => Promise.resolve() }, defaultMs: 0 })
  serveAdministration(app, {
    token: new Secret(adminToken),
    sessions,
    feeds: ['live'],
    revocations,
    drain,
    log: app.log,
    clock: systemClock,
  })
  const headers = { authorization: `Bearer ${adminToken}`, host: 'localhost' }
  return { app, headers, lines }
}

test('when no more revocations fit, a further one is refused and none is dropped', async () => {
  const revocations = new Revocations({ limit: 1 })
  const { app, headers } = serve(revocations)
  const post = (sub: string) =>
    app.inject({ method: 'POST', url: '/v1/revocations', headers, payload: { sub } })
  expect((await post('ann')).statusCode).toBe(201)
  const full = await post('bob')
  expect([full.statusCode, full.json()]).toEqual([
    409,
    { error: expect.stringMatching(/^1 revocations: no more can be kept; lift some/) },
  ])
  expect((await post('ann')).statusCode).toBe(201)
  expect(revocations.list().map(({ tokens }) => tokens)).toEqual([{ kind: 'sub', subject: 'ann' }])
})

test('an internal fault is logged, and the answer has only its status', async () => {
  const { app, headers, lines } = serve(new Revocations(), () => {
    throw new Error('inner matter')
  })
  const answer = await app.inject({ method: 'GET', url: '/v1/sessions', headers })
  expect([answer.statusCode, answer.json()]).toEqual([
    500,
    { error: 'a fault of the gateway; its log says more' },
  ])
  expect(lines.join('')).toContain('inner matter')
})
