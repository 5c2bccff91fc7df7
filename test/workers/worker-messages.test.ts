import { expect, test } from 'vitest'
import {
  isPrimaryNotice,
  isPrimaryQuestion,
  isWorkerNotice,
  isWorkerQuestion,
  parseSessionPage,
  parseWelcome,
} from '../../src/workers/worker-messages.ts'

const want = { kind: 'handshakes', key: '', count: 1 }
const revocation = {
  number: 1,
  tokens: { kind: 'sub', subject: 'ann' },
  sinceMs: 1,
  untilMs: 2,
  reason: undefined,
  isStated: true,
}

test.each([
  [isWorkerQuestion, { ask: 'join' }],
  [isWorkerQuestion, { ask: 'claim', number: 1, kind: 'sessions', key: '' }],
  [isWorkerQuestion, { ask: 'reserve', wants: [want], mostMs: 0.5 }],
  [isWorkerNotice, { tell: 'state' }],
  [isWorkerNotice, { tell: 'outage', outage: { source: 'unreachable', since: 'x' } }],
  [isWorkerNotice, { tell: 'giveBack', want }],
  [isPrimaryQuestion, { ask: 'list', query: { after: 1, limit: 0, subject: 'ann' } }],
  [isPrimaryQuestion, { ask: 'revoke', revocation }],
  [isPrimaryNotice, { tell: 'stop' }],
])('%o takes %o', (check, message) => {
  expect(check(message)).toBe(true)
})

test.each([
  [isWorkerQuestion, undefined],
  [isWorkerQuestion, 'join'],
  [isWorkerQuestion, { ask: 'toString' }],
  [isWorkerQuestion, { ask: 'join', more: 1 }],
  [isWorkerQuestion, { ask: 'claim', number: -1, kind: 'sessions', key: '' }],
  [isWorkerQuestion, { ask: 'claim', number: 1, kind: 'others', key: '' }],
  [isWorkerQuestion, { ask: 'claim', number: 1, kind: 'sessions', key: 'x'.repeat(513) }],
  [isWorkerQuestion, { ask: 'reserve', wants: Array.from({ length: 9 }, () => want), mostMs: 0 }],
  [isWorkerQuestion, { ask: 'reserve', wants: [{ ...want, count: 0.5 }], mostMs: 0 }],
  [isWorkerQuestion, { ask: 'reserve', wants: [want], mostMs: Number.NaN }],
  [isWorkerNotice, { tell: 'listening' }],
  [isWorkerNotice, { tell: 'outage', outage: { source: 'else', since: 'x' } }],
  [isWorkerNotice, { tell: 'extended', number: 1 }],
  [isPrimaryQuestion, { ask: 'revoke', revocation: { ...revocation, tokens: { kind: 'sub' } } }],
  [isPrimaryQuestion, { ask: 'drain', withinMs: '1' }],
  [isPrimaryNotice, { tell: 'lift', number: '1' }],
])('%o refuses %o', (check, message) => {
  expect(check(message)).toBe(false)
})

test('answers are read, or are none', () => {
  const welcome = { slot: 1, listens: 'at once', sessionNumbersAbove: 0, revocations: [revocation] }
  expect(parseWelcome(welcome)).toEqual(welcome)
  expect(parseWelcome({ ...welcome, listens: 'never' })).toBeUndefined()
  expect(parseWelcome({ ...welcome, revocations: [{}] })).toBeUndefined()
  expect(parseSessionPage({ sessions: [], next: 3 })).toEqual({ sessions: [], next: 3 })
  expect(parseSessionPage({ sessions: [{ number: 1 }] })).toBeUndefined()
})
