import { expect, test } from 'vitest'
import {
  type SessionEvent,
  type SessionState,
  type SessionStep,
  sessionSteps,
} from '../../src/session/session-steps.ts'

/** State, error and close for each event (rows) in each state (columns); `-` is the state that it was. */
const table = `
event      connected            verifying                  live                    renewing
auth       verifying            - 401                      renewing                - 403
request    - 401                - 401                      -                       -
granted    -                    live                       -                       live
refused    -                    ended 402 unauthorized     -                       live 402
unentitled  -                   ended 409 unauthorized     -                       live 409
unchecked  -                    ended 500 internal         -                       live 500
full       -                    ended 406 connectionLimit  ended 406 connectionLimit  ended 406 connectionLimit
deadline   ended 404 authTimeout  ended 404 authTimeout    -                       -
congested  ended 407 tooSlow    ended 407 tooSlow          ended 407 tooSlow       ended 407 tooSlow
expired    -                    -                          ended 401 tokenExpired  ended 401 tokenExpired
revoked    -                    -                          ended 401 revoked       ended 401 revoked
dismissed  ended dismissed      ended dismissed            ended dismissed         ended dismissed
flooded    ended 429 tooManyMessages  ended 429 tooManyMessages  ended 429 tooManyMessages  ended 429 tooManyMessages
drained    ended draining       ended draining             ended draining          ended draining
failed     ended 500 internal   ended 500 internal         ended 500 internal      ended 500 internal
silent     ended unreachable    ended unreachable          ended unreachable       ended unreachable
noisy      ended 402 unauthorized  ended 402 unauthorized  ended 402 unauthorized  ended 402 unauthorized
rejected   ended given rejected  ended given rejected    ended given rejected    ended given rejected
gone       ended                ended                      ended                   ended
`
  .trim()
  .split('\n')
  .map(line => line.split(/ {2,}/))

const [[, ...states], ...rows] = table as [string[], ...string[][]]

const cells = rows.flatMap(([event = '', ...cellsOfEvent]) =>
  cellsOfEvent.map((cell, index) => [states[index] as SessionState, event as SessionEvent, cell] as const),
)

function describeStep(state: SessionState, { to, error, close }: SessionStep): string {
  return [to === state ? '-' : to, error, close].filter(part => part !== undefined).join(' ')
}

test.each(cells)('%s, %s: %s', (state, event, cell) => {
  expect(describeStep(state, sessionSteps[state][event])).toBe(cell)
})

test('every event of every state is in the table, and none leaves the end', () => {
  expect(cells).toHaveLength((Object.keys(sessionSteps).length - 1) * Object.keys(sessionSteps.ended).length)
  for (const step of Object.values(sessionSteps.ended)) expect(step).toEqual({ to: 'ended' })
})
