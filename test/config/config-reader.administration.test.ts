import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import { readConfig } from '../../src/config/config-reader.ts'
import { development, faultsOf, production } from './environment.ts'

const token = 'correct-horse-battery-staple-0123456789'

test('there is no administration without a token, and with one on loopback', () => {
  expect(readConfig(production).administration).toBeUndefined()
  expect(readConfig(development).administration).toBeUndefined()
  const { administration } = readConfig({ ...production, TICKER_ADMIN_TOKEN: token })
  expect(administration).toMatchObject({ host: '127.0.0.1', port: 9465 })
  expect(administration?.token.reveal()).toBe(token)
  expect(inspect(administration) + JSON.stringify(administration)).not.toContain(token)
})

test.each([
  ['0.0.0.0', 'TICKER_ADMIN_HOST=0.0.0.0: expected 127.0.0.1, ::1 or localhost'],
  ['10.1.2.3', 'TICKER_ADMIN_HOST=10.1.2.3: expected 127.0.0.1, ::1 or localhost'],
])('it does not leave loopback: %s', (host, fault) => {
  expect(faultsOf({ ...production, TICKER_ADMIN_TOKEN: token, TICKER_ADMIN_HOST: host })).toEqual([fault])
})

test('a token that is short, or that no header can hold, is refused and not shown', () => {
  for (const wrong of ['hunter2', token.slice(0, 31), `${token} ${token}`, `${token}ä`]) {
    const faults = faultsOf({ ...production, TICKER_ADMIN_TOKEN: wrong })
    expect(faults).toEqual(['TICKER_ADMIN_TOKEN: expected 32 to 512 characters without white space'])
  }
})

test('an address without a token would be ignored in silence', () => {
  expect(faultsOf({ ...production, TICKER_ADMIN_PORT: '9000' })).toEqual([
    'TICKER_ADMIN_PORT=9000: there is no administration listener without TICKER_ADMIN_TOKEN; set it, or unset this',
  ])
})

test('it has a port of its own', () => {
  const faults = faultsOf({ ...production, TICKER_ADMIN_TOKEN: token, TICKER_ADMIN_PORT: '9464' })
  expect(faults).toEqual(['TICKER_ADMIN_PORT=9464: is the same port as TICKER_OPS_PORT; change one of them'])
})
