import * as v from 'valibot'
import { expect, test } from 'vitest'
import {
  primaryNotice,
  primaryQuestion,
  sessionPage,
  welcome,
  workerNotice,
  workerQuestion,
} from '../../src/workers/worker-messages.ts'

const want = { kind: 'handshakes', key: '', count: 1 }
const revocation = {
  number: 1,
  tokens: { kind: 'sub', subject: 'ann' },
  sinceMs: 1,
  untilMs: 2,
  hasStatedEnd: true,
}
const joined = { ordinal: 1, listenWhen: 'at once', sessionNumberBase: 0, revocations: [revocation] }
const session = {
  number: 1,
  feed: 'live',
  transport: 'websocket',
  state: 'live',
  subject: 'ann',
  address: '::1',
  form: 'ticker.v1.json',
  sinceMs: 1,
  expiresAtMs: 2,
  items: 0,
  unsentBytes: 0,
  frames: 1,
  bytes: 10,
}

test.each([
  [workerQuestion, { ask: 'join' }],
  [workerQuestion, { ask: 'claim', number: 1, kind: 'sessions', key: '' }],
  [workerQuestion, { ask: 'reserve', wants: [want], mostMs: 0.5 }],
  [workerNotice, { tell: 'state' }],
  [workerNotice, { tell: 'outages', outages: [{ feed: 'live', source: 'unreachable', since: 'x' }] }],
  [workerNotice, { tell: 'refund', want }],
  [primaryQuestion, { ask: 'list', query: { after: 1, limit: 0, subject: 'ann' } }],
  [primaryQuestion, { ask: 'revoke', revocation }],
  [primaryNotice, { tell: 'stop' }],
])('%# accepts %o', (schema, message) => {
  expect(v.is<v.GenericSchema>(schema, message)).toBe(true)
})

test.each([
  [workerQuestion, undefined],
  [workerQuestion, 'join'],
  [workerQuestion, { ask: 'toString' }],
  [workerQuestion, { ask: 'join', more: 1 }],
  [workerQuestion, { ask: 'claim', number: -1, kind: 'sessions', key: '' }],
  [workerQuestion, { ask: 'claim', number: 1, kind: 'others', key: '' }],
  [workerQuestion, { ask: 'claim', number: 1, kind: 'sessions', key: 'x'.repeat(513) }],
  [workerQuestion, { ask: 'reserve', wants: Array.from({ length: 9 }, () => want), mostMs: 0 }],
  [workerQuestion, { ask: 'reserve', wants: [{ ...want, count: 0.5 }], mostMs: 0 }],
  [workerQuestion, { ask: 'reserve', wants: [want], mostMs: Number.NaN }],
  [workerNotice, { tell: 'listening' }],
  [workerNotice, { tell: 'outages', outages: [{ feed: 'live', source: 'else', since: 'x' }] }],
  [workerNotice, { tell: 'extended', number: 1 }],
  [primaryQuestion, { ask: 'revoke', revocation: { ...revocation, tokens: { kind: 'sub' } } }],
  [primaryQuestion, { ask: 'drain', withinMs: '1' }],
  [primaryNotice, { tell: 'lift', number: '1' }],
])('%# refuses %o', (schema, message) => {
  expect(v.is<v.GenericSchema>(schema, message)).toBe(false)
})

test.each([
  [welcome, joined, true],
  [welcome, { ...joined, listenWhen: 'never' }, false],
  [welcome, { ...joined, revocations: [{}] }, false],
  [sessionPage, { sessions: [], next: 3 }, true],
  [sessionPage, { sessions: [session], next: 3 }, true],
  [sessionPage, { sessions: [{ ...session, state: 'other' }] }, false],
  [sessionPage, { sessions: [{ number: 1 }] }, false],
])('answer %# is checked', (schema, answer, isValid) => {
  expect(v.is<v.GenericSchema>(schema, answer)).toBe(isValid)
})
