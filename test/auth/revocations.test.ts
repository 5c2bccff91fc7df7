import { expect, test } from 'vitest'
import type { Grant } from '../../src/auth/grant.ts'
import { Revocations, RevocationsFullError, withRevocations } from '../../src/auth/revocations.ts'
import { clockOf, TestClock } from '../support/test-clock.ts'
import { claims, es256, nowS, refusalOf, sign, verifierOf } from './test-tokens.ts'
import { createGrant } from '../support/defaults.ts'

const dayMs = 86_400_000
const ann = { kind: 'sub', subject: 'ann' } as const
const grantOf = (changes: Partial<Grant> = {}): Grant => createGrant({ expiresAtMs: 1e6, ...changes })

// Cause: a revocation covered what was issued up to its own moment, by the gateway's clock alone.
// Symptom: a user whose token came from an issuer with a clock 3 s fast kept it, though it was there before
// the revocation.
// Seen: from outside, with such an issuer.
test.each([
  ['issued before', { issuedAtMs: 999 }, true],
  ['issued at that moment', { issuedAtMs: 1000 }, true],
  ['issued 3 s later by a clock that may be fast', { issuedAtMs: 4000 }, true],
  ['issued later by as much as clocks may differ', { issuedAtMs: 6000 }, true],
  ['issued later than clocks may differ', { issuedAtMs: 6001 }, false],
  ['that does not say when it was issued', {}, true],
  ['of somebody else', { subject: 'bob', issuedAtMs: 0 }, false],
])('a revoked user has no token %s: %o', (_name, changes, isCovered) => {
  const revocations = new Revocations({ clock: clockOf(() => 1000) })

  revocations.add({ tokens: ann })

  expect(revocations.covers(grantOf(changes))).toBe(isCovered)
})

test.each([
  [{ tokenId: 'a', issuedAtMs: 5000 }, true],
  [{ tokenId: 'b' }, false],
  [{ subject: 'a' }, false],
  [{}, false],
])('a revoked token id covers %o: %s', (changes, isCovered) => {
  const revocations = new Revocations({ clock: clockOf(() => 1000) })

  revocations.add({ tokens: { kind: 'jti', tokenId: 'a' } })

  expect(revocations.covers(grantOf(changes))).toBe(isCovered)
})

// Cause: revocations were dropped by the wall clock alone.
// Symptom: once the clock had been ahead, a token that was withdrawn was good again.
// Seen: reading, for every place that keeps a time of a clock that may be set.
test('a revocation is not forgotten while the clock is ahead', () => {
  const clock = new TestClock()
  const revocations = new Revocations({ clock })
  revocations.add({ tokens: ann, untilMs: clock.wall() + 3_600_000 })
  clock.set(7_200_000)
  expect(revocations.size).toBe(1)
  clock.set(-7_200_000)
  expect(revocations.covers(grantOf())).toBe(true)
  clock.pass(3_600_000)
  expect(revocations.size).toBe(0)
})

test('a revocation lasts a day where nothing else is said, and is then forgotten', () => {
  let nowMs = 0
  const revocations = new Revocations({ clock: clockOf(() => nowMs) })
  revocations.add({ tokens: ann })

  nowMs = dayMs - 1
  expect(revocations.list()).toEqual([{ number: 1, tokens: ann, sinceMs: 0, untilMs: dayMs }])
  nowMs = dayMs
  expect(revocations.covers(grantOf())).toBe(false)
  expect(revocations.size).toBe(0)
})

test('a revocation lasts as long as a longer token that was presented meanwhile', () => {
  let nowMs = 0
  const revocations = new Revocations({ clock: clockOf(() => nowMs) })
  revocations.add({ tokens: ann })
  const grant = grantOf({ expiresAtMs: 5 * dayMs })

  revocations.covers(grant)

  nowMs = 5 * dayMs
  expect(revocations.covers(grant)).toBe(true)
})

test('a revocation lasts no longer than the operator states', () => {
  let nowMs = 0
  const revocations = new Revocations({ clock: clockOf(() => nowMs) })
  revocations.add({ tokens: ann, untilMs: 10 })
  const grant = grantOf({ expiresAtMs: 5 * dayMs })

  expect(revocations.covers(grant)).toBe(true)
  nowMs = 10
  expect(revocations.covers(grant)).toBe(false)
})

test('clocks may differ by as much as the operator says', () => {
  const revocations = new Revocations({ clock: clockOf(() => 1000), toleranceMs: 0 })

  revocations.add({ tokens: ann })

  expect(revocations.covers(grantOf({ issuedAtMs: 1000 }))).toBe(true)
  expect(revocations.covers(grantOf({ issuedAtMs: 1001 }))).toBe(false)
})

test('a user revoked again loses the tokens issued in between, and none is good again earlier', () => {
  let nowMs = 0
  const revocations = new Revocations({ clock: clockOf(() => nowMs), toleranceMs: 0 })
  revocations.add({ tokens: ann, untilMs: 9000 })
  nowMs = 2000
  expect(revocations.covers(grantOf({ issuedAtMs: 1500 }))).toBe(false)

  revocations.add({ tokens: ann, untilMs: 3000 })

  expect(revocations.covers(grantOf({ issuedAtMs: 1500 }))).toBe(true)
  expect(revocations.list()).toEqual([{ number: 2, tokens: ann, sinceMs: 2000, untilMs: 9000 }])
})

test('what is lifted is good again', () => {
  const revocations = new Revocations()
  const { number } = revocations.add({ tokens: ann })

  expect([revocations.lift(number), revocations.lift(number)]).toEqual([true, false])
  expect(revocations.covers(grantOf())).toBe(false)
})

test('full, it refuses a further one rather than drop one, until one is past', () => {
  let nowMs = 0
  const revocations = new Revocations({ limit: 2, clock: clockOf(() => nowMs) })
  revocations.add({ tokens: ann, untilMs: 100 })
  revocations.add({ tokens: { kind: 'jti', tokenId: 'ann' } })
  const bob = { tokens: { kind: 'sub', subject: 'bob' } } as const

  expect(() => revocations.add(bob)).toThrow(RevocationsFullError)
  expect(() => revocations.add({ tokens: ann })).not.toThrow()
  revocations.lift(3)
  revocations.add({ tokens: ann, untilMs: 100 })
  nowMs = 100
  expect(() => revocations.add(bob)).not.toThrow()
})

test('a check with revocations refuses a good token that is withdrawn, by its iat', async () => {
  const { publicKey, privateKey } = es256()
  let nowMs = nowS * 1000
  const revocations = new Revocations({ clock: clockOf(() => nowMs) })
  const verify = withRevocations(verifierOf(publicKey, { clock: clockOf(() => nowMs) }), revocations)
  const old = await sign({ ...claims, iat: nowS - 1, jti: 'x' }, privateKey)
  const fast = await sign({ ...claims, iat: nowS + 3 }, privateKey)
  expect(await verify(old)).toMatchObject({ tokenId: 'x', issuedAtMs: (nowS - 1) * 1000 })

  revocations.add({ tokens: ann })

  expect((await refusalOf(verify, old)).reason).toBe('revoked')
  expect((await refusalOf(verify, fast)).reason).toBe('revoked')
  nowMs += 6000
  const fresh = await sign({ ...claims, iat: nowS + 6 }, privateKey)
  expect(await verify(fresh)).toMatchObject({ subject: 'ann' })
})
