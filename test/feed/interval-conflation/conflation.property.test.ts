import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { findFailingMembers } from './conflation-model.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 0 })
})
afterEach(() => {
  vi.useRealTimers()
})

test('in both forms, every member gets each selected event once, itself or as replaced', () => {
  expect(findFailingMembers(400)).toBeUndefined()
})
