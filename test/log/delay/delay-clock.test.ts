import { expect, test } from 'vitest'
import { createDelayClock } from '../../../src/log/delay/delay-clock.ts'
import { TestClock } from '../../support/test-clock.ts'

const hourMs = 3_600_000

test('follows a clock that is corrected little by little', () => {
  const clock = new TestClock()
  const delayClock = createDelayClock(clock)
  for (let second = 0; second < 1000; second += 1) {
    clock.pass(1000)
    clock.set(second % 2 === 0 ? 0.5 : -0.4)
    expect(Math.abs(delayClock.wall() - clock.wall())).toBeLessThan(1)
  }
})

test('follows a clock that is set back at once', () => {
  const clock = new TestClock()
  const delayClock = createDelayClock(clock)
  clock.set(-hourMs)
  expect(delayClock.wall()).toBe(clock.wall())
})

test('follows a clock that is set forward by a thousandth of the time that passes', () => {
  const clock = new TestClock()
  const delayClock = createDelayClock(clock)
  const beforeMs = delayClock.wall()
  clock.set(hourMs)
  expect(delayClock.wall()).toBe(beforeMs)
  for (let minute = 0; minute < 60; minute += 1) {
    clock.pass(60_000)
    delayClock.wall()
  }
  expect(delayClock.wall() - beforeMs).toBeCloseTo(hourMs * 1.001, 3)
})
